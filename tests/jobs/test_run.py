"""What is read for a prune; whole runs: test_prune.py."""

from pathlib import Path
from typing import Any

import pytest
import torch

from secateur.errors import DataError, RecipeError
from secateur.jobs.run import Run, read
from secateur.recipes import recipe_from
from speech import fields

TRAINS = {"train": {"max_steps": 3}}


def ready(folder: Path, **changed: Any) -> Run:
    return read(recipe_from(fields(folder, **changed)), folder / "out", resume=False, command="test")


@pytest.mark.parametrize(
    ("changed", "trained", "scored", "at_once"),
    [
        ({}, False, False, True),
        ({"criterion": "taylor"}, False, True, True),
        ({"reestimate_batches": 2}, False, True, True),
        (TRAINS, True, False, False),
        ({**TRAINS, "criterion": "taylor"}, True, False, False),
        ({**TRAINS, "schedule": "one_shot"}, True, False, True),
        ({**TRAINS, "schedule": "one_shot", "criterion": "taylor"}, True, True, True),
    ],
)
def test_batches_are_there_for_what_looks_at_them(
    tmp_path: Path, changed: dict[str, Any], trained: bool, scored: bool, at_once: bool
) -> None:
    run = ready(tmp_path, **changed)
    assert (run.training is not None, run.scored is not None, run.one_shot is not None) == (trained, scored, at_once)


def test_nothing_is_written_by_reading(tmp_path: Path) -> None:
    ready(tmp_path, **TRAINS)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_cut_at_once_masks_the_model_and_leaves_its_precision(tmp_path: Path, dtype: torch.dtype) -> None:
    run = ready(tmp_path, criterion="taylor", granularity="ffn_unit", target={"params": 0.9})
    run.model.to(dtype)
    run.cut_at_once()
    assert run.one_shot is not None
    assert run.one_shot.at_target
    assert run.model.dtype == dtype
    assert any(not bool(mask.all()) for mask in run.one_shot.finish().values())


@pytest.mark.parametrize(
    "changed",
    [
        {"criterion": "wanda", "granularity": "ffn_unit"},
        {"method": "low_rank", "granularity": "rank", "criterion": "magnitude", "low_rank": {"factors": "whitened"}},
    ],
)
def test_what_reads_inputs_goes_no_step_back(
    changed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("a backward that nothing reads")

    monkeypatch.setattr(torch.Tensor, "backward", fail)
    ready(tmp_path, target={"params": 0.9}, **changed).cut_at_once()


@pytest.mark.parametrize("schedule", ["one_shot", "linear"])
def test_only_what_trains_as_it_is_has_a_teacher(schedule: str, tmp_path: Path) -> None:
    run = ready(tmp_path, schedule=schedule, distill={"logits": 1.0}, **TRAINS)
    assert (run.distillation is None) == (schedule == "one_shot")
    hooks = [hook for module in run.model.modules() for hook in module._forward_hooks.values()]
    assert bool(hooks) == (schedule != "one_shot")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        ready(tmp_path, **TRAINS, data={"train": str(tmp_path / "none.jsonl")})
    with pytest.raises(RecipeError, match="`rescore` must be absent for a recognizer"):
        ready(tmp_path, rescore={"recognizer": "r", "data": "d.jsonl", "tune_on": "t.jsonl"})
