import logging

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

import tiny
from secateur.errors import RecipeError
from secateur.families import find_groups
from secateur.families.patterns import BLOCK, N_OF_M, runs, tiles
from secateur.group import Group, Runs


def everything(_: str) -> bool:
    return True


def only(groups: list[Group]) -> Group:
    (group,) = groups
    return group


@pytest.mark.parametrize(
    ("layer", "stride"),
    [
        (nn.Linear(8, 3), 1),
        (Conv1D(3, 8), 3),
        (nn.Conv1d(8, 3, 5), 5),
        (nn.Conv2d(8, 3, (2, 5)), 10),
        (nn.Conv1d(8, 4, 5, groups=2), 5),
    ],
)
def test_runs_lie_along_the_inputs_of_one_output(layer: nn.Module, stride: int) -> None:
    """Two weights are in one run where they read four neighbours for the same output at the same position."""
    group = only(runs(layer, (2, 4), wanted=everything))
    assert group.runs == Runs(stay=2, of=4, stride=stride)
    inputs = 0 if isinstance(layer, Conv1D) else 1
    units = torch.arange(layer.weight.numel()).reshape(layer.weight.shape).movedim(inputs, 0)[:4].flatten(1)
    assert units[:, 0].tolist() == [row * stride for row in range(4)]
    assert group.units == layer.weight.numel()
    assert (group.slices[0].block, group.slices[0].gate) == (None, True)


@pytest.mark.parametrize(
    ("layer", "block", "units"),
    [
        (nn.Linear(8, 32), (16, 4), 4),
        (Conv1D(32, 8), (4, 16), 4),
        (nn.Conv1d(8, 32, 3), (16, 4), 12),
        (nn.Conv2d(4, 16, 3), (16, 4), 9),
    ],
)
def test_tiles_are_outputs_times_inputs_in_whatever_order_a_layer_has_them(layer, block, units: int) -> None:
    group = only(tiles(layer, (16, 4), wanted=everything))
    assert (group.slices[0].block, group.units, group.runs) == (block, units, None)


def test_sites_are_named_after_the_tensor_and_the_granularity() -> None:
    model = nn.ModuleDict({"a": nn.Linear(4, 16)})
    assert [(g.name, g.module, g.granularity) for g in runs(model, N_OF_M, wanted=everything)] == [
        ("a.weight:n_of_m", "a", "n_of_m")
    ]
    assert [(g.name, g.module, g.granularity) for g in tiles(model, BLOCK, wanted=everything)] == [
        ("a.weight:block", "a", "block")
    ]


@pytest.mark.parametrize(("granularity", "shape"), [("n_of_m", {"n_of_m": (1, 3)}), ("block", {"block": (4, 2)})])
def test_what_does_not_fit_stays_whole_and_is_said(
    granularity: str, shape: dict[str, tuple[int, int]], caplog: pytest.LogCaptureFixture
) -> None:
    model = nn.ModuleDict({"fits": nn.Linear(6, 4), "inputs": nn.Linear(5, 4), "more": nn.Linear(7, 3)})
    with caplog.at_level(logging.WARNING):
        (group,) = find_groups(model, [granularity], **shape)
    assert group.module == "fits"
    (said,) = caplog.messages
    assert said == (
        f"2 of 3 weights stay whole, since `{granularity}: {list(shape[granularity])}` does not fit their shapes: "
        f"inputs.weight (4 x 5), more.weight (3 x 7)"
    )


def test_those_of_one_place_in_many_layers_are_named_at_once(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.ModuleList([nn.Linear(4, 4), *(nn.Linear(5, 4) for _ in range(5))])
    with caplog.at_level(logging.WARNING):
        find_groups(model, ["n_of_m"])
    assert caplog.messages[0].startswith("5 of 6 weights")
    assert caplog.messages[0].endswith(": 5 *.weight (4 x 5)")


def test_what_was_not_asked_for_is_not_said_to_stay(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.ModuleDict({"fits": nn.Linear(4, 4), "other": nn.Linear(5, 4)})
    with caplog.at_level(logging.WARNING):
        find_groups(model, ["n_of_m"], exclude=["other*"])
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("granularity", "fragment"),
    [
        ("n_of_m", r"`n_of_m` must fit the shape of some weight of the model, but is \[2, 4\], which fits none of"),
        ("block", r"`block` must .* but is \[16, 4\], which fits none of weight \(16 x 5\); choose"),
    ],
)
def test_a_model_that_nothing_fits_is_refused(granularity: str, fragment: str) -> None:
    with pytest.raises(RecipeError, match=fragment):
        find_groups(nn.Linear(5, 16), [granularity])


def test_weights_that_are_shared_or_stay_whole_are_those_of_single_weights() -> None:
    model = tiny.Plain()
    fits = {group.module for group in find_groups(model, ["element"])}
    assert {group.module for group in find_groups(model, ["block"], block=(1, 1))} == fits
