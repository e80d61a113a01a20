import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

import tiny
from secateur.families import find_groups
from secateur.granularity import GRANULARITIES, empty, members, unit_sums
from secateur.group import Group, Slice


def naive(group: Group, elements: dict[str, Tensor], *, gate_only: bool) -> list[float]:
    """Walk over every element of every slice and add it to the unit it belongs to; components multiply their slices."""
    if group.granularity == "rank" and not gate_only:
        parts = [naive(replace(group, granularity="", slices=(s,)), elements, gate_only=False) for s in group.slices]
        return [math.prod(units) for units in zip(*parts, strict=True)]
    sums = [0.0] * group.units
    for where in group.slices:
        if where.tensor not in elements or (gate_only and not where.gate):
            continue
        values = elements[where.tensor]
        for flat, index in enumerate(torch.cartesian_prod(*map(torch.arange, values.shape)).reshape(-1, values.dim())):
            if where.block is not None:
                rows, columns, *rest = index.tolist()
                tiles = [size // tile for size, tile in zip(values.shape, where.block, strict=False)]
                place = (rows // where.block[0], columns // where.block[1], *rest)
                unit = int(np.ravel_multi_index(place, (*tiles, *values.shape[2:])))
            elif group.granularity in ("element", "n_of_m"):
                unit = flat
            elif where.dim is None:
                unit = 0
            else:
                unit = (int(index[where.dim]) - where.offset) // where.width
                if int(index[where.dim]) < where.offset:
                    continue
            if unit < group.units:
                sums[unit] += float(values[tuple(index.tolist())])
    return sums


def numbered(model) -> dict[str, Tensor]:
    """Small integers, whose sums are exact."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randint(-9, 10, tensor.shape, generator=generator).double()
        for name, tensor in model.named_parameters()
    }


@pytest.mark.parametrize("gate_only", [True, False])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_sums_agree_with_a_walk_over_all_elements(granularity: str, gate_only: bool) -> None:
    model = tiny.ctc_for(granularity, layers=1)
    elements = numbered(model)
    groups = [g for g in find_groups(model, [granularity], block=tiny.BLOCK) if "layers.0" in g.name]
    for group in groups:
        wanted = naive(group, elements, gate_only=gate_only)
        assert unit_sums(group, elements, gate_only=gate_only).tolist() == wanted
        assert len(wanted) == group.units


@pytest.mark.parametrize("granularity", [name for name in GRANULARITIES if name != "rank"])
def test_members_are_counted_as_the_sum_of_ones(granularity: str) -> None:
    model = tiny.ctc(layers=1)
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    ones = {name: torch.ones(size) for name, size in sizes.items()}
    for group in find_groups(model, [granularity], block=tiny.BLOCK):
        counted = unit_sums(group, ones, gate_only=False)
        assert counted.tolist() == [members(group, sizes)] * group.units


def test_a_component_takes_a_row_and_a_column_with_it() -> None:
    model = tiny.split(tiny.ctc(layers=1))
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    group = next(group for group in find_groups(model, ["rank"]) if group.name.endswith("linear1:rank"))
    assert members(group, sizes) == tiny.WIDTH + tiny.UNITS


def test_a_layer_that_has_lost_all_its_modules_scores_nothing() -> None:
    group = Group(name="a:layer", granularity="layer", module="a", units=1, slices=(Slice(tensor="a.norm.weight"),))
    assert unit_sums(group, {"a.norm.weight": torch.ones(3)}, gate_only=True).tolist() == [0.0]
    assert unit_sums(group, {"a.norm.weight": torch.ones(3)}, gate_only=False).tolist() == [3.0]


def test_a_one_dimensional_slice_is_summed_per_width() -> None:
    group = Group(
        name="a:head", granularity="head", module="a", units=2, slices=(Slice(tensor="b", dim=0, width=2, offset=1),)
    )
    assert unit_sums(group, {"b": torch.tensor([100.0, 1, 2, 4, 8, 100])}, gate_only=False).tolist() == [3.0, 12.0]


def test_tiles_of_a_filter_are_summed_at_each_of_its_positions() -> None:
    group = Group(
        name="a:block", granularity="block", module="a", units=4, slices=(Slice(tensor="w", gate=True, block=(2, 3)),)
    )
    weight = torch.arange(4 * 3 * 2.0).reshape(4, 3, 2)
    wanted = [float(weight[rows : rows + 2, :, position].sum()) for rows in (0, 2) for position in (0, 1)]
    assert unit_sums(group, {"w": weight}, gate_only=True).tolist() == wanted
    assert members(group, {"w": weight.shape}) == 6


@pytest.mark.parametrize(
    ("granularity", "block", "gone"),
    [("element", None, [0, 1, 4, 5, 7]), ("block", (2, 2), [0])],
)
def test_a_unit_is_empty_where_all_that_it_holds_is_zero(granularity: str, block, gone: list[int]) -> None:
    weights = {"w": torch.tensor([[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 3.0, 0.0]])}
    units = 8 if block is None else 2
    group = Group(name="a", granularity=granularity, module="a", units=units, slices=(Slice(tensor="w", block=block),))
    assert empty(group, weights).nonzero().flatten().tolist() == gone
