"""How far down a ranking a budget reaches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from secateur.allocation.allocation import GONE
from secateur.allocation.blocks import Array, Pieces
from secateur.group import Group

ROUNDING = 1e-9
"""Relative slack when sums of savings are compared: they are added in another order than the target was computed."""


@final
@dataclass(frozen=True, kw_only=True)
class Cut:
    """The first blocks of an order that save enough."""

    gone: Array
    """Units that leave, per site."""

    excess: float
    """What they save beyond the most that is wanted."""

    smallest: float
    """What the smallest block would save that could leave instead of the last one, a part of it included; infinite
    where nothing may be passed over."""

    site: str
    block: int
    """The block that crosses the line."""

    kept_back: range
    """The pieces in front of it that have not left before."""


def first_cut(order: Pieces, groups: Sequence[Group], *, removed: float, at_most: float) -> Cut | None:
    """Cut an order where its first blocks save `removed`; ``None`` where all of them save less."""
    total = np.cumsum(order.saved)
    if not len(total) or total[-1] < removed * (1 - ROUNDING):
        return None
    before = int(np.count_nonzero(order.rank == GONE))
    last = max(int(np.searchsorted(total, removed * (1 - ROUNDING))), before - 1)
    same = np.flatnonzero((order.owner == order.owner[last]) & (order.block == order.block[last]))
    begin, end = int(same[0]), int(same[-1]) + 1
    return Cut(
        gone=np.bincount(order.site[:end], weights=order.units[:end], minlength=len(groups)),
        excess=max(0.0, float(total[end - 1] - at_most)),
        smallest=_smallest_block(order, begin, groups, at_least=removed * ROUNDING) if end > before else math.inf,
        site=groups[order.owner[last]].name,
        block=int(order.block[last]),
        kept_back=range(before, begin),
    )


def give_back(cut: Cut, order: Pieces, groups: Sequence[Group]) -> Cut:
    """Let blocks stay after all, the last to leave first, as long as the others save enough.

    A module that holds other sites does not come back, and neither does what is inside of one that has left.
    """
    holders = {site for group in groups for site in group.inside}
    left = {group.name for i, group in enumerate(groups) if group.name in holders and cut.gone[i]}
    fixed = {i for i, group in enumerate(groups) if group.name in holders or left.intersection(group.inside)}
    gone, excess = cut.gone.copy(), cut.excess
    for piece in reversed(cut.kept_back):
        site, saved = int(order.site[piece]), float(order.saved[piece])
        if excess <= 0.0:
            break
        if site in fixed:
            continue
        if saved > excess:
            fixed.add(site)
        else:
            gone[site] -= order.units[piece]
            excess -= saved
    return replace(cut, gone=gone, excess=excess)


def _smallest_block(order: Pieces, start: int, groups: Sequence[Group], *, at_least: float) -> float:
    """Return the least that one piece from `start` on would save, with what is inside of it, if it left next.

    Infinite where none may leave or none saves `at_least`.
    """
    rest = np.bincount(order.site[start:], weights=order.saved[start:], minlength=len(groups))
    index = {group.name: i for i, group in enumerate(groups)}
    inside = np.zeros(len(groups))
    for i, group in enumerate(groups):
        for site in group.inside:
            inside[index[site]] += rest[i]
    sizes = (order.saved + inside[order.site])[start:][order.alone[start:]]
    return float(np.min(sizes[sizes > at_least], initial=math.inf))
