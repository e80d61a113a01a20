import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

import tiny
from secateur.families import find_groups
from secateur.granularity import GRANULARITIES, members, unit_sums
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
            if group.granularity == "element":
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
    groups = [g for g in find_groups(model, [granularity]) if "layers.0" in g.name]
    for group in groups:
        wanted = naive(group, elements, gate_only=gate_only)
        assert unit_sums(group, elements, gate_only=gate_only).tolist() == wanted
        assert len(wanted) == group.units


@pytest.mark.parametrize("granularity", [name for name in GRANULARITIES if name != "rank"])
def test_members_are_counted_as_the_sum_of_ones(granularity: str) -> None:
    model = tiny.ctc(layers=1)
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    ones = {name: torch.ones(size) for name, size in sizes.items()}
    for group in find_groups(model, [granularity]):
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
