from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback

from secateur.checkpoint.quantized import quantizable, quantize_rows
from secateur.data import collate
from secateur.training import EvenTrainer, RoundingCallback, arguments
from speech import dataset, recognizer


class Watch(TrainerCallback):
    """Keeps the weights at moments of a step."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.seen: dict[str, list[dict[str, Tensor]]] = {"forward": [], "optimizer": [], "between": []}

    def _keep(self, moment: str) -> None:
        self.seen[moment].append({n: self.model.get_parameter(n).detach().clone() for n in quantizable(self.model)})

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        self._keep("forward")

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        self._keep("optimizer")

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._keep("between")


def trainer(folder: Path, *, ready: Any = lambda: True, steps: int = 4) -> tuple[EvenTrainer, Watch]:
    speech, sizes, _ = dataset(folder)
    model = recognizer()
    watch = Watch(model)
    settings = {"max_steps": steps, "save_strategy": "steps", "save_steps": 1, "save_total_limit": None}
    return EvenTrainer(
        model,
        arguments({**settings, "learning_rate": 1e-2}, folder=folder / "checkpoints", seed=0, validate=False),
        dataset=speech,
        sizes=sizes,
        batch_size=2.0,
        collate=collate,
        callbacks=[RoundingCallback(model, bits=4, ready=ready), watch],
    ), watch


def on_grid(weights: dict[str, Tensor]) -> bool:
    return all(torch.equal(weight, quantize_rows(weight, bits=4).values()) for weight in weights.values())


def test_between_steps_weights_are_rounded_and_the_optimizer_moves_those_behind(tmp_path: Path) -> None:
    taught, watch = trainer(tmp_path)
    taught.train()
    assert all(map(on_grid, watch.seen["between"]))
    assert not any(map(on_grid, watch.seen["optimizer"]))
    for behind, shown in zip(watch.seen["optimizer"][1:], watch.seen["between"], strict=False):
        for name, weight in behind.items():
            assert torch.equal(quantize_rows(weight, bits=4).values(), shown[name])


def test_it_begins_when_it_is_told_to(tmp_path: Path) -> None:
    taught, watch = trainer(tmp_path, ready=lambda: len(watch.seen["between"]) >= 2)
    taught.train()
    assert [on_grid(weights) for weights in watch.seen["between"]] == [False, False, True, True]


def test_a_resumed_run_is_the_run_that_was_not(tmp_path: Path) -> None:
    whole, _ = trainer(tmp_path / "whole")
    whole.train()
    resumed, _ = trainer(tmp_path / "whole")
    resumed.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoints" / "checkpoint-2"))
    one, other = (t.model.state_dict() for t in (whole, resumed))  # pyright: ignore[reportOptionalMemberAccess]
    assert all(torch.equal(one[name], other[name]) for name in one)
