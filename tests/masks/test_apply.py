import pytest
import torch

import tiny
from secateur.families import find_groups
from secateur.group import Group, Slice
from secateur.masks import multipliers, multiply


def group(**where) -> Group:
    return Group(name="s", granularity="head", module="", units=2, slices=(Slice(tensor="w", **where),))


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"dim": 0}, [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]),
        ({"dim": 1, "width": 2}, [[0, 0, 1, 1]] * 4),
        ({"dim": 0, "offset": 2}, [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]]),
    ],
)
def test_the_rows_of_masked_units_become_zero_and_no_others(where, kept) -> None:
    parameters = {"w": torch.ones(4, 4)}
    multiply(parameters, multipliers({"s": group(**where)}, {"s": torch.tensor([False, True])}, parameters))
    assert parameters["w"].tolist() == kept


def test_masks_of_two_sites_on_one_tensor_multiply() -> None:
    groups = {"rows": group(dim=0, width=2), "columns": group(dim=1, width=2)}
    masks = {"rows": torch.tensor([True, False]), "columns": torch.tensor([False, True])}
    parameters = {"w": torch.ones(4, 4)}
    multiply(parameters, multipliers(groups, masks, parameters))
    assert parameters["w"].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_a_whole_tensor_goes_with_its_only_unit() -> None:
    only = Group(name="s", granularity="module", module="", units=1, slices=(Slice(tensor="w"),))
    parameters = {"w": torch.ones(2, 3)}
    multiply(parameters, multipliers({"s": only}, {"s": torch.tensor([False])}, parameters))
    assert not parameters["w"].any()


def test_elements_are_masked_one_by_one() -> None:
    elements = Group(name="s", granularity="element", module="", units=4, slices=(Slice(tensor="w"),))
    parameters = {"w": torch.tensor([[1.0, 2.0], [3.0, 4.0]])}
    multiply(parameters, multipliers({"s": elements}, {"s": torch.tensor([True, False, False, True])}, parameters))
    assert parameters["w"].tolist() == [[1.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize(
    ("block", "kept"),
    [
        ((1, 2), [[1, 1, 0, 0], [0, 0, 1, 1]]),
        ((2, 1), [[1, 0, 0, 1], [1, 0, 0, 1]]),
    ],
)
def test_tiles_are_masked_row_by_row(block: tuple[int, int], kept) -> None:
    tiles = Group(name="s", granularity="block", module="", units=4, slices=(Slice(tensor="w", block=block),))
    parameters = {"w": torch.ones(2, 4)}
    multiply(parameters, multipliers({"s": tiles}, {"s": torch.tensor([True, False, False, True])}, parameters))
    assert parameters["w"].tolist() == kept


def test_each_position_of_a_filter_has_tiles_of_its_own() -> None:
    tiles = Group(name="s", granularity="block", module="", units=2, slices=(Slice(tensor="w", block=(2, 2)),))
    parameters = {"w": torch.ones(2, 2, 2)}
    multiply(parameters, multipliers({"s": tiles}, {"s": torch.tensor([True, False])}, parameters))
    assert parameters["w"].tolist() == [[[1, 0]] * 2] * 2


def test_what_is_kept_whole_and_what_is_a_buffer_costs_no_multiplication() -> None:
    kept, cut = group(dim=0), group(dim=0)
    parameters = {"other": torch.ones(2)}
    assert multipliers({"s": kept}, {"s": torch.tensor([True, True])}, {"w": torch.ones(2, 2)}) == {}
    assert multipliers({"s": cut}, {"s": torch.tensor([True, False])}, parameters) == {}


@pytest.mark.parametrize("granularity", tiny.STRUCTURED)
def test_as_many_parameters_become_zero_as_the_units_hold(granularity: str) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    site = find_groups(model, [granularity])[0]
    mask = torch.zeros(site.units, dtype=torch.bool)
    parameters = dict(model.named_parameters())
    before = sum(int(t.count_nonzero()) for t in parameters.values())
    multiply(parameters, multipliers({site.name: site}, {site.name: mask}, parameters))
    held = 0
    for where in site.slices:
        if where.tensor in parameters:
            size = parameters[where.tensor].shape
            held += size.numel() if where.dim is None else size.numel() // size[where.dim] * site.units * where.width
    assert before - sum(int(t.count_nonzero()) for t in parameters.values()) == held
