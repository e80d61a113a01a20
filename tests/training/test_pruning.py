import json
import math
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from secateur.data import collate
from secateur.errors import RequestError
from secateur.training import EvenTrainer, PruningCallback, arguments
from secateur.training.pruning import NAME
from speech import dataset, recognizer


class Recorder:
    """A method that removes nothing and remembers what it was asked."""

    def __init__(self, *, final: int = 3) -> None:
        self.calls: list[Any] = []
        self.steps = 0
        self._final = final

    def prepare(self, model: Any, groups: Any, *, total_steps: int) -> None:
        self.calls.append(("prepare", total_steps))
        self._model = model

    def begin(self, step: int) -> None:
        self.calls.append(("begin", step))

    def gather(self, step: int) -> None:
        self.calls.append(("gather", step))

    def step(self, step: int) -> None:
        gradients = [parameter.grad is not None for parameter in self._model.parameters()]
        self.calls.append(("step", step, any(gradients)))
        self.steps = step

    @property
    def at_target(self) -> bool:
        return self.steps >= self._final

    @property
    def numbers(self) -> Mapping[str, float]:
        return {}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {"steps": torch.tensor([self.steps])}, {"steps": self.steps}

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        self.calls.append(("restore", tensors["steps"].tolist(), values))
        self.steps = values["steps"]


STEPS = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 1, "save_steps": 1, "save_total_limit": None}


def trainer(folder: Path, method: Recorder, rates: list[float] | None = None, **fields: Any) -> EvenTrainer:
    speech, sizes, _ = dataset(folder)
    model = recognizer()
    left = iter(rates or [])
    chosen = {"max_steps": 4, "logging_steps": 1, **STEPS, **fields}
    return EvenTrainer(
        model,
        arguments(chosen, folder=folder / "checkpoints", seed=0, validate=rates is not None),
        dataset=speech,
        sizes=sizes,
        batch_size=2.0,
        collate=collate,
        measure=(lambda _: {"wer": next(left)}) if rates else None,
        callbacks=[PruningCallback(method, model, [])],
    )


def test_the_method_is_prepared_once_and_acts_after_every_optimizer_step_with_gradients_in_place(
    tmp_path: Path,
) -> None:
    method = Recorder()
    trainer(tmp_path, method).train()
    steps = [[("begin", step), ("gather", step), ("step", step, True)] for step in (1, 2, 3, 4)]
    assert method.calls == [("prepare", 4), *chain(*steps)]


def test_with_accumulation_it_acts_once_per_optimizer_step(tmp_path: Path) -> None:
    method = Recorder()
    made = trainer(tmp_path, method, max_steps=2, gradient_accumulation_steps=2)
    made.train()
    assert [call[1] for call in method.calls if call[0] == "step"] == [1, 2]


def test_a_resumed_run_takes_up_the_state_of_its_checkpoint(tmp_path: Path) -> None:
    trainer(tmp_path, Recorder()).train()
    folders = {step: tmp_path / "checkpoints" / f"checkpoint-{step}" for step in (1, 2, 3, 4)}
    for step, folder in folders.items():
        assert load_file(folder / f"{NAME}.safetensors")["steps"].tolist() == [step]
        assert json.loads((folder / f"{NAME}.json").read_text()) == {"steps": step}
    method = Recorder()
    trainer(tmp_path, method).train(resume_from_checkpoint=str(folders[2]))
    steps = [[("begin", step), ("gather", step), ("step", step, True)] for step in (3, 4)]
    assert method.calls == [("prepare", 4), ("restore", [2], {"steps": 2}), *chain(*steps)]
    (folders[1] / f"{NAME}.safetensors").unlink()
    with pytest.raises(RequestError, match=r"must hold `pruning.safetensors` to resume, but does not; .* start again"):
        trainer(tmp_path, Recorder()).train(resume_from_checkpoint=str(folders[1]))


def test_only_checkpoints_at_the_target_can_be_the_best(tmp_path: Path) -> None:
    made = trainer(tmp_path, Recorder(final=3), rates=[0.1, 0.1, 0.6, 0.5])
    made.train()
    assert made.state.best_global_step == 4
    assert made.state.best_metric == 0.5


def test_where_none_is_at_the_target_the_last_state_remains(tmp_path: Path) -> None:
    made = trainer(tmp_path, Recorder(final=99), rates=[0.1, 0.2, 0.3, 0.4])
    made.train()
    assert made.state.best_model_checkpoint is None
    assert [line["eval_wer"] for line in made.state.log_history if "eval_wer" in line] == [0.1, 0.2, 0.3, 0.4]
    last = load_file(tmp_path / "checkpoints" / "checkpoint-4" / "model.safetensors")
    assert torch.equal(made.model.ctc_head.weight.detach(), last["ctc_head.weight"])


@pytest.mark.parametrize(("greater", "expected"), [(True, -math.inf), (False, math.inf)])
@pytest.mark.parametrize("name", ["score", "eval_score"])
def test_any_metric_of_anyones_trainer_is_held_back(greater: bool, expected: float, name: str, tmp_path: Path) -> None:
    args = arguments(
        {"metric_for_best_model": name, "greater_is_better": greater}, folder=tmp_path, seed=0, validate=True
    )
    callback = PruningCallback(Recorder(), recognizer(), [])
    metrics = {"eval_score": 0.5}
    callback.on_evaluate(args, None, None, metrics=metrics)
    assert metrics == {"eval_score": 0.5}  # not training yet
    callback.prepare(4)
    callback.on_evaluate(args, None, None, metrics=metrics)
    assert metrics == {"eval_score": expected}


def test_it_is_said_once_that_the_structure_is_final(tmp_path: Path) -> None:
    method, said = Recorder(final=2), []
    made = trainer(tmp_path, method)
    made.remove_callback(PruningCallback)
    made.add_callback(PruningCallback(method, made.model, [], settled=lambda: said.append(method.steps)))
    made.train()
    assert said == [2]
