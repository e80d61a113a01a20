"""Every criterion: scores of the weights' shape, finite, the same each time. A new row is tested by being listed."""

import pytest
import torch
from torch import Tensor

import tiny
from secateur.criteria import CRITERIA
from secateur.families import find_groups
from secateur.methods.scores import unit_scores

SHAPES = [(7,), (3, 5), (4, 1, 3), (2, 3, 3, 3), (1,)]

each = pytest.mark.parametrize("make", CRITERIA.values(), ids=CRITERIA)


def drawn(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
@each
def test_scores_have_the_shape_of_the_weights_and_are_finite(make, shape: tuple[int, ...]) -> None:
    criterion = make()
    elements = criterion.elements(drawn(shape), drawn(shape, 1), name="w")
    units = criterion.units(elements)
    assert elements.shape == units.shape == shape
    assert bool(elements.isfinite().all())
    assert bool(units.isfinite().all())
    assert bool((units >= 0).all())  # the order of importance starts at none


@each
def test_the_same_arguments_give_the_same_scores(make) -> None:
    given = {"weight": drawn((3, 5)), "gradient": drawn((3, 5), 1), "name": "w"}
    kept = {name: value.clone() if isinstance(value, Tensor) else value for name, value in given.items()}
    first, second = make().elements(**given), make().elements(**given)
    assert torch.equal(first, second)
    assert torch.equal(make().units(first), make().units(second))
    assert all(torch.equal(given[name], kept[name]) for name in ("weight", "gradient"))


@each
def test_the_gradient_matters_where_it_is_said_to_and_only_there(make) -> None:
    criterion = make()
    weight, gradient = drawn((3, 5)), drawn((3, 5), 1)
    without = criterion.elements(weight, None, name="w")
    assert without.shape == weight.shape
    assert bool(without.isfinite().all())
    same = torch.equal(without, criterion.elements(weight, gradient, name="w"))
    assert same is not criterion.needs_gradient


@pytest.mark.parametrize("value", [0.0, 1.0])
@each
def test_constant_weights_have_finite_scores(make, value: float) -> None:
    weight = torch.full((4, 4), value)
    assert bool(make().units(make().elements(weight, torch.zeros(4, 4), name="w")).isfinite().all())


@pytest.mark.parametrize("granularity", ["element", *tiny.STRUCTURED])
@each
def test_it_goes_with_every_granularity(make, granularity: str) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    model(**tiny.labelled()).loss.backward()
    groups = find_groups(model, [granularity])
    scores = unit_scores(model, groups, make())
    assert {site: score.shape for site, score in scores.items()} == {g.name: (g.units,) for g in groups}
    assert all(bool(score.isfinite().all()) for score in scores.values())
    assert len({float(score) for site in scores.values() for score in site}) > 1
