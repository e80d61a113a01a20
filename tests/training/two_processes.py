"""Run by `torchrun`: a Trainer of one's own with gates and a teacher; each process writes what it ended with."""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import distributed
from transformers import Trainer, TrainerCallback, TrainingArguments

import secateur
from jobs.test_attach import pad
from speech import dataset, recognizer


class Watch(TrainerCallback):
    """Keeps log alpha after every step, before the gates settle."""

    def __init__(self, method: Any) -> None:
        self.method = method
        self.seen: dict[str, torch.Tensor] = {}

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seen[f"gate/{state.global_step}"] = self.method.state()[0]["gate/log_alpha"].clone()


def main(folder: Path) -> None:
    speech, _, _ = dataset(folder / f"speech-{os.environ['RANK']}")  # of its own: neither reads what is half written
    arguments = TrainingArguments(
        output_dir=str(folder / "out"), max_steps=8, per_device_train_batch_size=2, learning_rate=5e-3, use_cpu=True,
        report_to="none", disable_tqdm=True, remove_unused_columns=False, dataloader_pin_memory=False,
        save_strategy="no", label_names=["labels"], ddp_backend="gloo",
    )  # fmt: skip
    trainer = Trainer(recognizer(), arguments, train_dataset=speech, data_collator=pad)
    pruning = secateur.attach(
        trainer, method="l0", target={"params": 0.6}, schedule={"name": "cubic", "start": 0.3, "end": 0.9},
        granularity=["head", "ffn_unit", "conv_channel"], distill={"layers": "fixed", "taps": 2, "logits": 1.0},
    )  # fmt: skip
    watch = Watch(pruning.callback.method)
    trainer.add_callback(watch)
    batches: list[torch.Tensor] = []
    trainer.model.register_forward_pre_hook(
        lambda _, __, inputs: batches.append(inputs["input_features"].double().sum()), with_kwargs=True
    )
    trainer.train()
    assert distributed.get_world_size() == 2
    model = pruning.finish()
    heard = {"heard": torch.stack(batches)}
    save_file({**model.state_dict(), **watch.seen, **heard}, folder / f"{distributed.get_rank()}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
