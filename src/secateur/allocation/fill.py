"""From ranks and a budget to a share per site, exactly."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from secateur.allocation.allocation import GONE
from secateur.allocation.blocks import Pieces, pieces
from secateur.errors import TargetError
from secateur.plan import Group

ROUNDING = 1e-9
"""Relative slack when sums of savings are compared: they are added in another order than the target was computed."""


@final
@dataclass(frozen=True)
class _Cut:
    """The first blocks that save enough."""

    shares: dict[str, float]
    excess: float
    """What they save beyond the most that is wanted."""

    smallest: float
    """What the smallest block would save that could leave instead of the last one, a part of it included; infinite
    where nothing may be passed over."""

    site: str
    block: int
    """The block that crosses the line."""


def fill(
    ranks: Mapping[str, Tensor],
    groups: Sequence[Group],
    saved: Mapping[str, float],
    *,
    removed: float,
    at_most: float | None = None,
    keep_at_least: Mapping[str, int],
    round_to: Mapping[str, int],
) -> dict[str, float]:
    """Let units leave in the order of their ranks until `removed` is saved: share removed per site, in [0, 1].

    What is saved is never below `removed`, and above it by less than the smallest block that could still leave. A
    block is `round_to` units (so that what is *kept* is a multiple of it), or a whole module or layer with whatever
    of its inside is still there. A block that overshoots by more than the smallest one is passed over, its site
    stays as it then is, and smaller blocks leave instead. Where blocks are few and of several sizes, none may be that
    close: then the closest cut that was met is taken. Units whose rank is `GONE` leave in any case.

    On the way to a larger target, `at_most` is that target: a block may overshoot `removed` up to there, since a
    whole module would otherwise be passed over at every small step.

    `keep_at_least` and `round_to` map granularities to counts; absent ones are 0 and 1.

    Raises:
        TargetError: Not that much can be removed.
    """
    if removed <= 0:
        return {group.name: 0.0 for group in groups}
    if all(group.granularity == "element" for group in groups):
        return _fill_elements(ranks, groups, removed=removed)
    frozen: dict[str, int] = {}
    cuts: list[_Cut] = []
    while not cuts or cuts[-1].excess >= cuts[-1].smallest:
        order = pieces(ranks, groups, saved, keep_at_least=keep_at_least, round_to=round_to, frozen=frozen)
        cut = _cut(order, groups, removed, at_most=removed if at_most is None else at_most)
        if cut is None:
            break
        cuts.append(cut)
        frozen[cut.site] = cut.block
    if not cuts:
        raise _too_much(removed, groups, saved)
    return min(cuts, key=lambda cut: cut.excess).shares


def _cut(order: Pieces, groups: Sequence[Group], removed: float, *, at_most: float) -> _Cut | None:
    total = np.cumsum(order.saved)
    if not len(total) or total[-1] < removed * (1 - ROUNDING):
        return None
    before = int(np.count_nonzero(order.rank == GONE))
    last = max(int(np.searchsorted(total, removed * (1 - ROUNDING))), before - 1)
    same = (order.owner == order.owner[last]) & (order.block == order.block[last])
    begin, end = int(np.flatnonzero(same)[0]), int(np.flatnonzero(same)[-1]) + 1
    gone = np.bincount(order.site[:end], weights=order.units[:end], minlength=len(groups))
    return _Cut(
        shares={group.name: float(gone[i]) / group.units for i, group in enumerate(groups)},
        excess=max(0.0, float(total[end - 1] - at_most)),
        smallest=_smallest_block(order, begin, groups, at_least=removed * ROUNDING) if end > before else math.inf,
        site=groups[order.owner[last]].name,
        block=int(order.block[last]),
    )


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


def _fill_elements(ranks: Mapping[str, Tensor], groups: Sequence[Group], *, removed: float) -> dict[str, float]:
    """Single weights all save 1 and are inside of nothing: one threshold over all, ties in the order of the sites."""
    together = torch.cat([ranks[group.name].flatten() for group in groups])
    wanted = math.ceil(removed * (1 - ROUNDING))
    if wanted > len(together):
        raise _too_much(removed, groups, {group.name: 1.0 for group in groups})
    threshold = together.kthvalue(wanted).values
    below = {group.name: int((ranks[group.name] < threshold).sum()) for group in groups}
    left = wanted - sum(below.values())
    for group in groups:
        ties = min(left, int((ranks[group.name] == threshold).sum()))
        below[group.name] += ties
        left -= ties
    return {group.name: below[group.name] / group.units for group in groups}


def _too_much(removed: float, groups: Sequence[Group], saved: Mapping[str, float]) -> TargetError:
    outer = sum(saved[group.name] * group.units for group in groups if not group.inside)
    return TargetError(
        f"`target` must leave what cannot be removed, but asks to remove {removed:,.0f} where the sites chosen hold "
        f"{outer:,.0f} in all, part of which always stays; raise the target, lower `keep_at_least` or `round_to`, "
        f"widen `include`, or add granularities"
    )
