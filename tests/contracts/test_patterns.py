"""What a pattern promises: N of every M, whole tiles, for every criterion, allocation and amount."""

from typing import Any

import pytest
import torch
from torch import Tensor

import tiny
from secateur.allocation import ALLOCATIONS, Budget
from secateur.criteria import CRITERIA, reads_inputs
from secateur.families import find_groups
from secateur.group import Group
from secateur.jobs.budget import budget_for
from secateur.methods import Scheduled
from secateur.recipes import Target
from secateur.schedules import OneShot

PATTERNS = [(2, 4), (1, 2), (1, 4), (3, 4), (1, 3)]

each_pattern = pytest.mark.parametrize("n_of_m", PATTERNS, ids=lambda pattern: "{}of{}".format(*pattern))


def pruned(
    model: Any, groups: list[Group], budget: Budget, *, criterion: str = "magnitude", allocation: str = "global_rank"
) -> dict[str, Tensor]:
    """Cut at once, on one batch, and return the masks."""
    method = Scheduled(
        criterion=CRITERIA[criterion](), allocation=ALLOCATIONS[allocation](), schedule=OneShot(), budget=budget
    )
    method.prepare(model, groups, total_steps=0)
    model(**tiny.labelled()).loss.backward()
    if reads_inputs(CRITERIA[criterion]()) or CRITERIA[criterion]().needs_gradient:
        method.observe()
    return method.finish()


def runs_of(model: Any, groups: list[Group], of: int) -> Tensor:
    """Every run of `of` neighbouring inputs of one output, walked one by one: bool (runs, of), true is not zero."""
    found: list[Tensor] = []
    for group in groups:
        weight = model.get_parameter(group.slices[0].tensor).detach()
        for output in weight.movedim(1, -1).flatten(0, -2):
            found += [output[start : start + of] != 0 for start in range(0, len(output), of)]
    return torch.stack(found)


@each_pattern
@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_at_the_largest_sparsity_every_run_keeps_exactly_so_many(n_of_m: tuple[int, int], allocation: str) -> None:
    stay, of = n_of_m
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ["n_of_m"], n_of_m=n_of_m)
    whole = sum(group.units for group in groups)
    full = Budget(
        unit="sparsity", whole=whole, kept=whole * stay // of, saved=dict.fromkeys([g.name for g in groups], 1.0)
    )
    masks = pruned(model, groups, full, allocation=allocation)
    kept = runs_of(model, groups, of).sum(1)
    assert bool((kept == stay).all())
    assert sum(int(mask.sum()) for mask in masks.values()) == stay * len(kept)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("sparsity", [0.1, 0.37, 0.5])
def test_below_it_no_run_keeps_fewer_and_as_many_leave_as_were_asked_for(criterion: str, sparsity: float) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ["n_of_m"])
    budget = budget_for(Target(sparsity=sparsity), model, groups)
    pruned(model, groups, budget, criterion=criterion)
    runs = runs_of(model, groups, 4)
    assert bool((runs.sum(1) >= 2).all())
    assert int((~runs).sum()) == round(sparsity * runs.numel())


def test_the_best_of_each_run_stay_and_the_weakest_of_all_others_leave() -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ["n_of_m"])
    dense = {group.name: model.get_parameter(group.slices[0].tensor).detach().clone() for group in groups}
    budget = budget_for(Target(sparsity=0.3), model, groups)
    pruned(model, groups, budget)
    free: list[tuple[float, bool]] = []
    for group in groups:
        before, after = dense[group.name], model.get_parameter(group.slices[0].tensor).detach()
        for row, left in zip(before.movedim(1, -1).flatten(0, -2), after.movedim(1, -1).flatten(0, -2), strict=True):
            for start in range(0, len(row), 4):
                order = sorted(range(start, start + 4), key=lambda i: abs(float(row[i])))
                assert all(float(left[i]) == float(row[i]) for i in order[2:])
                free += [(abs(float(row[i])), float(left[i]) == 0) for i in order[:2]]
    gone = [size for size, left in free if left]
    assert max(gone) <= min(size for size, left in free if not left)


def test_a_uniform_allocation_takes_the_same_share_of_every_weight() -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ["n_of_m"])
    masks = pruned(model, groups, budget_for(Target(sparsity=0.25), model, groups), allocation="uniform")
    shares = [float((~mask).double().mean()) for mask in masks.values()]
    assert max(shares) - min(shares) <= 1 / min(group.units for group in groups) + 1e-12


def test_runs_that_an_earlier_pruning_emptied_further_stay_so() -> None:
    """Three of four are gone already in some runs; the others still keep two."""
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ["n_of_m"])
    with torch.no_grad():
        model.encoder.layers[0].self_attn.q_proj.weight[:, :3] = 0
    pruned(model, groups, budget_for(Target(sparsity=0.5), model, groups))
    kept = runs_of(model, groups, 4).sum(1)
    assert int((kept == 1).sum()) == tiny.WIDTH
    assert int(kept.sum()) == 2 * len(kept)
    assert int((kept == 3).sum()) + 2 * int((kept == 4).sum()) == tiny.WIDTH


@pytest.mark.parametrize("allocation", ALLOCATIONS)
@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("unit", ["sparsity", "params"])
def test_tiles_are_zero_as_a_whole_or_not_at_all(criterion: str, allocation: str, unit: str) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ["block"], block=tiny.BLOCK)
    whole = sum(parameter.numel() for parameter in model.parameters())
    held = sum(model.get_parameter(group.slices[0].tensor).numel() for group in groups)
    share = 0.4 if unit == "sparsity" else 1 - 0.4 * held / whole
    budget = budget_for(Target(**{unit: share}), model, groups)
    pruned(model, groups, budget, criterion=criterion, allocation=allocation)
    gone = 0
    for group in groups:
        weight = model.get_parameter(group.slices[0].tensor).detach().movedim((0, 1), (-2, -1))
        for plane in weight.reshape(-1, *weight.shape[-2:]):
            for row in range(0, plane.shape[0], 4):
                for column in range(0, plane.shape[1], 2):
                    zeros = int((plane[row : row + 4, column : column + 2] == 0).sum())
                    assert zeros in (0, 8)
                    gone += zeros
    assert 0.4 * held <= gone + 1e-6 < 0.4 * held + 8
