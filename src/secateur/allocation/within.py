"""From ranks and a budget with several bounds to a share per site."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from secateur.allocation.budget import Budget
from secateur.allocation.cut import ROUNDING
from secateur.allocation.fill import fill
from secateur.allocation.gone import saved_so_far
from secateur.group import Group

Rank = Callable[[Mapping[str, float]], Mapping[str, Tensor]]
"""What a unit of each site saves -> ranks per site: the smallest leaves first."""

HALVINGS = 10
"""How finely the weight of a second unit is searched."""

HEAVIEST = 8.0
"""Largest weight of a second unit. Sites whose savings differ by a factor of 1.5 between the units then differ by 25
in what they seem to save: nearly an order by this ratio alone."""

SMALLEST = 1e-3
"""Least that a unit counts in a second unit, relative to the first: it must not become free to keep."""


def fill_within(
    rank: Rank,
    groups: Sequence[Group],
    budget: Budget,
    *,
    share: float = 1.0,
    keep_at_least: Mapping[str, int],
    round_to: Mapping[str, int],
) -> dict[str, float]:
    r"""Let units leave until `share` of what the budget removes is saved, in every unit that it bounds.

    The budget's own unit is filled exactly. Where that breaks a bound in another unit, units are ranked by what they
    seem to save in a mixture of both,

    .. math:: c_\theta = (c / removed) \Big( \frac{c' / removed'}{c / removed} \Big)^\theta

    with the smallest theta found by bisection at which the bound holds; the first unit is still filled exactly. Theta
    is 0 for the first unit alone, 1 for the second alone, and more to prefer what is dear in the second for what it is
    in the first. Where no theta up to 8 does, or the theta of one bound breaks another, a broken bound is filled
    instead, on top of the rest where that alone does not hold all of them: more leaves of the first unit than was asked
    for, and no bound is ever exceeded.

    Raises:
        TargetError: Not that much can be removed.
    """
    limits = {"keep_at_least": keep_at_least, "round_to": round_to}
    own = partial(_fill, groups=groups, budget=budget, share=share, **limits)
    shares = own(rank(budget.saved))
    for bound in budget.also:
        if not _holds(bound, shares, groups, share):
            shares = _mixed(lambda theta, bound=bound: own(rank(_blend(budget, bound, theta))), bound, groups, share)
    broken = [bound for bound in budget.also if not _holds(bound, shares, groups, share)]
    alone = [_fill(rank(bound.saved), groups=groups, budget=bound, share=share, **limits) for bound in broken]
    for tried in (shares, *alone):
        if all(_holds(bound, tried, groups, share) for bound in (budget, *budget.also)):
            return tried
    return {site: max(tried[site] for tried in (shares, *alone)) for site in shares}


def _mixed(
    fill_at: Callable[[float], dict[str, float]], bound: Budget, groups: Sequence[Group], share: float
) -> dict[str, float]:
    """Return the fill of the smallest theta at which `bound` holds, or of the heaviest where none does."""
    low, high = 0.0, HEAVIEST
    shares = fill_at(high)
    if not _holds(bound, shares, groups, share):
        return shares
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = fill_at(middle)
        if _holds(bound, tried, groups, share):
            high, shares = middle, tried
        else:
            low = middle
    return shares


def _fill(
    ranks: Mapping[str, Tensor],
    *,
    groups: Sequence[Group],
    budget: Budget,
    share: float,
    keep_at_least: Mapping[str, int],
    round_to: Mapping[str, int],
) -> dict[str, float]:
    return fill(
        ranks,
        groups,
        budget.saved,
        removed=budget.zeros + share * budget.removed,
        at_most=budget.zeros + budget.removed,
        keep_at_least=keep_at_least,
        round_to=round_to,
    )


def _holds(bound: Budget, shares: Mapping[str, float], groups: Sequence[Group], share: float) -> bool:
    """Whether what leaves saves enough of a bound's unit; which units of a site leave makes no difference."""
    masks = {g.name: torch.arange(g.units) >= round(g.units * shares[g.name]) for g in groups}
    wanted = bound.zeros + share * bound.removed
    return saved_so_far(groups, bound.saved, masks) >= wanted * (1 - ROUNDING)


def _blend(one: Budget, other: Budget, theta: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for site, saved in one.saved.items():
        own = saved / one.removed
        ratio = max(other.saved[site] / other.removed / own, SMALLEST) if own else 1.0
        found[site] = own * ratio**theta
    return found
