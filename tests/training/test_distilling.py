import copy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from secateur.data import collate
from secateur.distill import Distillation, Teaching
from secateur.errors import RequestError
from secateur.families import find_groups
from secateur.training import DistillationCallback, EvenTrainer, arguments
from speech import dataset, recognizer


def layers(model: Any) -> list[str]:
    return [group.module for group in find_groups(model, ["layer"])]


def distilled(folder: Path, *, steps: int = 3) -> tuple[EvenTrainer, Distillation]:
    speech, sizes, _ = dataset(folder)
    model = recognizer()
    teaching = Teaching(matching="fixed", taps=(0, 1), logits=1.0)
    distillation = Distillation(
        model, copy.deepcopy(model), teaching, layers=layers, frames=model._get_subsampling_output_length
    )
    trainer = EvenTrainer(
        model,
        arguments(
            {"max_steps": steps, "save_strategy": "steps", "save_steps": 1, "save_total_limit": None},
            folder=folder / "checkpoints",
            seed=0,
            validate=False,
        ),
        dataset=speech,
        sizes=sizes,
        batch_size=2.0,
        collate=collate,
        callbacks=[DistillationCallback(distillation)],
    )
    return trainer, distillation


def differ(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in one.keys() | other.keys() if not torch.equal(one[name], other[name])}


def test_the_projection_learns_with_every_step(tmp_path: Path) -> None:
    trainer, distillation = distilled(tmp_path)
    seen: list[torch.Tensor] = []

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            seen.append(distillation.state()["weight"].clone())

    trainer.add_callback(Watch())
    trainer.train()
    start = torch.eye(len(seen[0]))
    assert len(seen) == 3
    assert all(bool((one != other).any()) for one, other in pairwise([start, *seen]))


def test_a_resumed_run_has_the_projection_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, learnt = distilled(tmp_path)
    whole.train()
    again, resumed = distilled(tmp_path)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoints" / "checkpoint-2"))
    assert differ(learnt.state(), resumed.state()) == set()


def test_a_checkpoint_without_it_cannot_be_resumed(tmp_path: Path) -> None:
    whole, _ = distilled(tmp_path)
    whole.train()
    (tmp_path / "checkpoints" / "checkpoint-2" / "distillation.safetensors").unlink()
    again, _ = distilled(tmp_path)
    with pytest.raises(RequestError, match=r"must hold `distillation.safetensors` to resume"):
        again.train(resume_from_checkpoint=str(tmp_path / "checkpoints" / "checkpoint-2"))


def test_after_training_the_model_is_nobodys_student(tmp_path: Path) -> None:
    trainer, _ = distilled(tmp_path, steps=1)
    model = trainer.model
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()]
    assert sum(hooks) > 0
    trainer.train()
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) == 0
