"""Sizes that were nearly right."""

import pytest
import torch
from torch import nn

from secateur.allocation import fill
from secateur.checkpoint import file_bytes
from secateur.families import find_groups
from secateur.group import Group
from secateur.schedules import last_step
from secateur.schedules.schedule import ramp


def test_units_inside_of_a_layer_that_is_passed_over_fill_the_gap() -> None:
    """Only whole layers counted as smaller blocks while their ranks were the lowest: the excess was a part of one."""
    layers = [Group(name=name, granularity="layer", module=name, units=1, slices=()) for name in "ab"]
    inside = [
        Group(name=f"{layer.name}:u", granularity="ffn_unit", module="u", units=10, slices=(), inside=(layer.name,))
        for layer in layers
    ]
    ranks = {"a": torch.tensor([0.0]), "b": torch.tensor([0.1]), **{g.name: torch.full((10,), 5.0) for g in inside}}
    saved = {"a": 100.0, "b": 100.0, "a:u": 10.0, "b:u": 10.0}
    shares = fill(ranks, [*layers, *inside], saved, removed=130.0, keep_at_least={}, round_to={})
    assert shares == {"a": 1.0, "b": 0.0, "a:u": 1.0, "b:u": 0.3}


@pytest.mark.parametrize(("end", "total", "step"), [(0.55, 100, 55), (0.07, 100, 7), (0.56, 100, 56), (0.6, 10, 6)])
def test_the_last_step_is_not_one_late_by_rounding(end: float, total: int, step: int) -> None:
    assert last_step(end, total) == step


def test_a_ramp_without_length_is_no_division_by_zero() -> None:
    assert ramp(0.3, 0.5, 0.5) == 0.0


def test_a_file_of_doubles_with_counters_has_the_size_that_is_predicted(tmp_path) -> None:
    """safetensors lays 64-bit integers out before doubles, which moves every offset."""
    from safetensors.torch import save_file

    model = nn.Sequential(*(nn.BatchNorm1d(40).double() for _ in range(12)))
    save_file(model.state_dict(), tmp_path / "w.safetensors", metadata={"format": "pt"})
    assert file_bytes(model) == (tmp_path / "w.safetensors").stat().st_size


def test_tied_embeddings_do_not_stop_the_scores() -> None:
    """The output layer's name was taken for the tensor's, which the model knows under the embedding's name."""
    model = nn.ModuleDict({"embedding": nn.Embedding(5, 4), "between": nn.Linear(4, 4), "head": nn.Linear(4, 5)})
    model["head"].weight = model["embedding"].weight
    assert [group.name for group in find_groups(model, ["element"])] == ["between.weight:element"]
