"""Cutting in several steps: each of these once went wrong."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import torch

import tiny
from secateur.allocation import ALLOCATIONS, GONE, Budget, CostAware, Uniform, fill, fill_within
from secateur.allocation.blocks import pieces
from secateur.criteria import Magnitude
from secateur.families import find_groups
from secateur.group import Group
from secateur.jobs.budget import budget_for
from secateur.methods import Scheduled
from secateur.recipes import Target
from secateur.schedules import Linear

STEPS = 20


def walked(model: Any, granularities: Sequence[str], allocation: Any, *, kept: float) -> list[dict[str, torch.Tensor]]:
    """Prune step by step without training; return the masks after every step."""
    groups = find_groups(model, granularities)
    method = Scheduled(
        criterion=Magnitude(),
        allocation=allocation,
        schedule=Linear(start=0.0, end=1.0),
        budget=budget_for(Target(params=kept), model, groups),
        every=1,
    )
    method.prepare(model, groups, total_steps=STEPS)
    masks = []
    for step in range(1, STEPS + 1):
        method.step(step)
        masks.append({site: mask.clone() for site, mask in method.state()[0].items() if site.startswith("mask/")})
    return masks


def test_the_ranks_of_the_rest_are_numbers_after_units_have_left() -> None:
    """Means of blocks were differences of a running sum, and minus infinity less minus infinity is not a number."""
    group = Group(name="a", granularity="ffn_unit", module="a", units=4, slices=())
    ranks = {"a": torch.tensor([GONE, 3.0, GONE, 1.0])}
    order = pieces(ranks, [group], {"a": 1.0}, keep_at_least={}, round_to={}, frozen={})
    assert order.rank.tolist() == [GONE, GONE, 1.0, 3.0]


@pytest.mark.parametrize("granularities", [("ffn_unit", "module"), tiny.STRUCTURED], ids="+".join)
@pytest.mark.parametrize("make", ALLOCATIONS.values(), ids=ALLOCATIONS)
def test_nothing_comes_back(make, granularities: tuple[str, ...]) -> None:
    """A block that overshot at one step and did not at the next pushed back what had left in its place."""
    model = tiny.randomise(tiny.ctc(layers=3), 0)
    for before, after in itertools.pairwise(walked(model, granularities, make(), kept=0.7)):
        assert all(bool((before[site] | ~after[site]).all()) for site in before)


def test_a_module_larger_than_one_steps_share_can_leave() -> None:
    """It overshot what was due at every single step, and was passed over until only its units were left."""
    model = tiny.randomise(tiny.ctc(layers=3), 0)
    weak = model.encoder.layers[1].feed_forward1
    with torch.no_grad():
        for tensor in (*weak.parameters(), *model.encoder.layers[1].norm_feed_forward1.parameters()):
            tensor.zero_()
        weak.linear1.bias.fill_(1e-3)  # equal units, and a module that costs more than they do: it is the cheapest
    masks = walked(model, ("ffn_unit", "module"), CostAware(), kept=0.7)
    assert not masks[0]["mask/encoder.layers.1.feed_forward1:module"].any()


def test_what_is_as_important_as_its_module_leaves_with_it() -> None:
    """The module was counted without units of the same rank, so that twice as much left as was wanted."""
    module = Group(name="m", granularity="module", module="m", units=1, slices=())
    units = Group(name="u", granularity="ffn_unit", module="m", units=4, slices=(), inside=("m",))
    other = Group(name="v", granularity="ffn_unit", module="v", units=10, slices=())
    ranks = {"m": torch.tensor([0.5]), "u": torch.tensor([0.25, 0.5, 0.75, 1.0]), "v": torch.arange(1.0, 11.0) / 10}
    saved = {"m": 50.0, "u": 10.0, "v": 10.0}
    shares = fill(ranks, [module, units, other], saved, removed=60.0, keep_at_least={}, round_to={})
    # 0.1 and 0.2 of v, 0.25 of u, 0.3 and 0.4 of v: 50. The module (50 with u) overshoots, 0.5 of u does not.
    assert shares == {"m": 0.0, "u": 0.5, "v": 0.4}


def test_uniform_ranks_put_units_that_have_left_first() -> None:
    group = Group(name="a", granularity="head", module="a", units=4, slices=())
    scores = {"a": torch.tensor([GONE, 3.0, GONE, 1.0])}
    assert Uniform()(scores, [group], {})["a"].tolist() == [GONE, 1.0, GONE, 0.75]


@pytest.mark.parametrize("granularity", tiny.ZEROED)
def test_zeros_of_an_earlier_pruning_do_not_come_back_while_little_is_wanted(granularity: str) -> None:
    """Only as many were masked as a target of sparsity wanted by now; training then moved the others."""
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, [granularity], block=tiny.BLOCK)
    weights = [model.get_parameter(group.slices[0].tensor) for group in groups]
    with torch.no_grad():
        for weight in weights:
            weight[: len(weight) // 3 * 2, :2] = 0
    zeros = [weight == 0 for weight in weights]
    method = Scheduled(
        criterion=Magnitude(),
        allocation=ALLOCATIONS["global_rank"](),
        schedule=Linear(start=0.5, end=1.0),
        budget=budget_for(Target(sparsity=0.5), model, groups),
        every=1,
    )
    method.prepare(model, groups, total_steps=STEPS)
    held = torch.cat([~method.state()[0][f"mask/{group.name}"] for group in groups])
    for step in range(1, STEPS + 1):
        with torch.no_grad():
            for weight in weights:
                weight += 0.01
        method.step(step)
        masks = torch.cat([~method.state()[0][f"mask/{group.name}"] for group in groups])
        assert bool((masks | ~held).all())
    assert int(held.sum()) > 0
    if granularity != "block":
        assert all(bool((weight[zero] == 0).all()) for weight, zero in zip(weights, zeros, strict=True))


def test_zeros_to_begin_with_leave_room_for_what_is_still_to_leave() -> None:
    """The most that may be saved was counted without them, so that the last cuts gave blocks back."""
    group = Group(name="a", granularity="block", module="a", units=10, slices=())
    ranks = {"a": torch.tensor([GONE] * 4 + [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])}
    budget = Budget(unit="params", whole=60.0, kept=20.0, saved={"a": 10.0}, zeros=40.0)
    shares = fill_within(lambda _: ranks, [group], budget, keep_at_least={}, round_to={})
    assert shares == {"a": 0.8}
