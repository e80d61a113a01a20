from typing import Any

import pytest
import torch

from secateur.checkpoint import file_bytes
from secateur.errors import TargetError
from secateur.evaluation import macs_per_unit
from secateur.families import find_groups
from secateur.jobs.budget import budget_for
from secateur.recipes import Target
from speech import HEADS, LAYERS, UNITS, WIDTH, recognizer

HEAD_WIDTH = WIDTH // HEADS


def trained(**shape: Any) -> Any:
    """A recognizer as training leaves it: nothing is exactly zero."""
    model = recognizer(**shape)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1e-3 * torch.randn(parameter.shape))
    return model


def test_parameters_are_those_of_the_whole_model_and_units_save_what_leaves_with_them() -> None:
    model = trained()
    groups = find_groups(model, ["head", "ffn_unit"])
    budget = budget_for(Target(params=0.5), model, groups)
    assert budget.whole == sum(parameter.numel() for parameter in model.parameters())
    assert budget.kept == 0.5 * budget.whole
    # a hidden unit: a row of 16 and a bias, a column of 16
    assert budget.saved["encoder.layers.0.feed_forward1:ffn_unit"] == 2 * WIDTH + 1
    # a head: rows of q, k, v with biases and of the relative keys without, both position biases, output columns
    rows = 3 * HEAD_WIDTH * (WIDTH + 1) + HEAD_WIDTH * WIDTH
    assert budget.saved["encoder.layers.1.self_attn:head"] == rows + 2 * HEAD_WIDTH + HEAD_WIDTH * WIDTH


def test_bytes_are_those_of_the_weight_file() -> None:
    model = trained()
    groups = find_groups(model, ["ffn_unit", "module"])
    budget = budget_for(Target(bytes=0.5), model, groups)
    assert budget.whole == file_bytes(model)
    assert budget.saved["encoder.layers.0.feed_forward1:ffn_unit"] == 4 * (2 * WIDTH + 1)
    module = 2 * WIDTH * UNITS + UNITS + WIDTH + 2 * WIDTH  # both layers, and the norm in front
    assert budget.saved["encoder.layers.0.feed_forward1:module"] > 4 * module  # and its lines of the header


def test_half_precision_halves_the_bytes() -> None:
    model = trained().half()
    budget = budget_for(Target(bytes=0.5), model, find_groups(model, ["ffn_unit"]))
    assert budget.saved["encoder.layers.0.feed_forward1:ffn_unit"] == 2 * (2 * WIDTH + 1)


def test_macs_are_per_second_of_audio() -> None:
    model = trained()
    groups = find_groups(model, ["ffn_unit"])
    budget = budget_for(Target(macs=0.5), model, groups)
    assert budget.whole == pytest.approx(macs_per_unit(model))
    frames_per_second = 25
    assert budget.saved[groups[0].name] == pytest.approx(2 * WIDTH * frames_per_second, rel=0.01)


def test_sparsity_is_of_the_weights_that_may_be_pruned() -> None:
    model = trained()
    groups = find_groups(model, ["element"], include=["*feed_forward*"])
    budget = budget_for(Target(sparsity=0.75), model, groups)
    assert budget.whole == LAYERS * 2 * 2 * WIDTH * UNITS
    assert budget.kept == budget.whole - round(0.75 * budget.whole)


def test_for_single_weights_parameters_are_those_that_are_not_zero() -> None:
    model = trained()
    weight = model.encoder.layers[0].feed_forward1.linear1.weight
    with torch.no_grad():
        weight[:3] = 0
    groups = find_groups(model, ["element"])
    total = sum(parameter.numel() for parameter in model.parameters())
    budget = budget_for(Target(params=0.5), model, groups)
    assert (budget.whole, budget.zeros) == (total - 3 * WIDTH, 3 * WIDTH)
    assert budget_for(Target(params=0.5), model, find_groups(model, ["head"])).whole == total


def test_a_block_saves_as_many_weights_as_it_holds() -> None:
    model = trained()
    groups = find_groups(model, ["block"], include=["*feed_forward*"])
    budget = budget_for(Target(sparsity=0.75), model, groups)
    whole = LAYERS * 2 * WIDTH * UNITS  # the second layer of each feed-forward module: 24 rows are no multiple of 16
    assert (set(budget.saved.values()), budget.whole) == ({16 * 4.0}, whole)
    assert budget.kept == whole - round(0.75 * whole)
    assert budget_for(Target(params=0.9), model, groups).saved == budget.saved


def test_zeros_within_blocks_are_no_sparsity_in_blocks() -> None:
    model = half_zero()
    assert budget_for(Target(sparsity=0.4), model, find_groups(model, ["block"])).removed > 0
    with torch.no_grad():
        for group in find_groups(model, ["block"]):
            model.get_parameter(group.slices[0].tensor)[:, :8] = 0
    with pytest.raises(TargetError, match=r"must be above what the model has, 0\.\d+, but is 0\.3"):
        budget_for(Target(sparsity=0.3), model, find_groups(model, ["block"]))


def half_zero() -> Any:
    model = trained()
    with torch.no_grad():
        for group in find_groups(model, ["element"]):
            model.get_parameter(group.slices[0].tensor).view(-1)[::2] = 0
    return model


@pytest.mark.parametrize("sparsity", [0.1, 0.5])
def test_a_sparsity_that_is_there_already_is_nothing_to_do(sparsity: float) -> None:
    model = half_zero()
    with pytest.raises(
        TargetError, match=rf"`target\.sparsity` must be above what the model has, 0\.50\d\d, but is {sparsity}"
    ):
        budget_for(Target(sparsity=sparsity), model, find_groups(model, ["element"]))
    assert budget_for(Target(sparsity=0.6), model, find_groups(model, ["element"]))


def test_no_sparsity_at_all_is_a_budget_that_removes_nothing() -> None:
    model = trained()
    assert budget_for(Target(sparsity=0.0), model, find_groups(model, ["element"])).removed == 0
