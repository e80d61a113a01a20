from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from secateur.errors import RequestError
from secateur.training.beside import checkpoint_folder, keep, kept

TENSORS = {"mask/a": torch.tensor([True, False]), "turned": torch.arange(6.0).reshape(2, 3).T}
VALUES = {"share": 0.25, "multipliers": [1.5, -2.0], "settled": False}


def test_the_folder_is_that_of_the_step_the_trainer_is_at(tmp_path: Path) -> None:
    args, state = SimpleNamespace(output_dir=str(tmp_path)), SimpleNamespace(global_step=40)
    assert checkpoint_folder(args, state) == tmp_path / "checkpoint-40"


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    keep(tmp_path, "pruning", TENSORS, VALUES)
    tensors, values = kept(tmp_path, "pruning")
    assert values == VALUES
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensor, TENSORS[name]) for name, tensor in tensors.items())


def test_parts_of_several_names_lie_beside_each_other(tmp_path: Path) -> None:
    keep(tmp_path, "pruning", TENSORS, VALUES)
    keep(tmp_path, "distillation", {}, {"taps": 2})
    assert kept(tmp_path, "distillation") == ({}, {"taps": 2})
    assert kept(tmp_path, "pruning")[1] == VALUES


@pytest.mark.parametrize("lost", ["pruning.safetensors", "pruning.json"])
def test_a_part_that_is_not_whole_is_refused(tmp_path: Path, lost: str) -> None:
    keep(tmp_path, "pruning", TENSORS, VALUES)
    (tmp_path / lost).unlink()
    with pytest.raises(RequestError, match=f"must hold `{lost}` to resume, but does not; .* start again"):
        kept(tmp_path, "pruning")
