"""Every criterion: scores of the weights' shape, finite, the same each time. A new row is tested by being listed."""

import pytest
import torch
from torch import Tensor

import tiny
from secateur.criteria import CRITERIA, Movement, reads_batches, reads_inputs
from secateur.families import find_groups
from secateur.methods.inputs import InputMeans
from secateur.methods.scores import scored_tensors, unit_scores

SHAPES = [(7,), (3, 5), (4, 1, 3), (2, 3, 3, 3), (1,)]

each = pytest.mark.parametrize("make", CRITERIA.values(), ids=CRITERIA)
each_criterion = pytest.mark.parametrize("criterion_of", CRITERIA.values(), ids=CRITERIA)


def drawn(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
@each
def test_scores_have_the_shape_of_the_weights_and_are_finite(make, shape: tuple[int, ...]) -> None:
    criterion = make()
    elements = criterion.elements(drawn(shape), drawn(shape, 1).abs(), name="w")
    units = criterion.units(elements)
    assert elements.shape == units.shape == shape
    assert bool(elements.isfinite().all())
    assert bool(units.isfinite().all())
    assert bool((units >= 0).all()) or isinstance(criterion, Movement)  # the order starts at none; movement has a sign


@each
def test_the_same_arguments_give_the_same_scores(make) -> None:
    given = (drawn((3, 5)), drawn((3, 5), 1))
    kept = [value.clone() for value in given]
    first, second = make().elements(*given, name="w"), make().elements(*given, name="w")
    assert torch.equal(first, second)
    assert torch.equal(make().units(first), make().units(second))
    assert all(map(torch.equal, given, kept))


@each
def test_what_batches_say_matters_where_it_is_said_to_and_only_there(make) -> None:
    criterion = make()
    weight, seen = drawn((3, 5)), drawn((3, 5), 1).abs()
    without = criterion.elements(weight, None, name="w")
    assert without.shape == weight.shape
    assert bool(without.isfinite().all())
    same = torch.equal(without, criterion.elements(weight, seen, name="w"))
    assert same is not reads_batches(criterion)


@pytest.mark.parametrize("value", [0.0, 1.0])
@each
def test_constant_weights_have_finite_scores(make, value: float) -> None:
    weight = torch.full((4, 4), value)
    assert bool(make().units(make().elements(weight, torch.zeros(4, 4), name="w")).isfinite().all())


@pytest.mark.parametrize(("make", "granularity"), tiny.pairs([*tiny.ZEROED, *tiny.STRUCTURED, "rank"], tiny.ONE_EACH))
@each_criterion
def test_it_goes_with_every_granularity_of_every_family(criterion_of, make, granularity: str) -> None:
    model = tiny.randomise(make(), 0)
    if granularity == "rank":
        tiny.split(model)
    criterion, groups = criterion_of(), find_groups(model, [granularity], block=tiny.BLOCK)
    inputs = InputMeans(model, scored_tensors(groups, criterion)) if reads_inputs(criterion) else None
    model(**tiny.labelled_for(model)).loss.backward()
    scores = unit_scores(model, groups, criterion, inputs=inputs.take_for_weights() if inputs else None)
    assert {site: score.shape for site, score in scores.items()} == {g.name: (g.units,) for g in groups}
    assert all(bool(score.isfinite().all()) for score in scores.values())
    assert len({float(score) for site in scores.values() for score in site}) > 1
