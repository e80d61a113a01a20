"""From ranks and a budget to a share per site, exactly."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

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
    """What they save beyond what is wanted."""

    smallest: float
    """What the smallest block among the rest would save."""

    site: str
    block: int
    """The block that crosses the line."""


def fill(
    ranks: Mapping[str, Tensor],
    groups: Sequence[Group],
    saved: Mapping[str, float],
    *,
    removed: float,
    keep_at_least: Mapping[str, int],
    round_to: Mapping[str, int],
) -> dict[str, float]:
    """Let units leave in the order of their ranks until `removed` is saved: share removed per site, in [0, 1].

    What is saved is never below `removed`, and above it by less than the smallest block that could still leave. A
    block is `round_to` units (so that what is *kept* is a multiple of it), or a whole module or layer with whatever
    of its inside is still there. A block that overshoots by more than the smallest one is passed over, its site
    stays as it then is, and smaller blocks leave instead.

    `keep_at_least` and `round_to` map granularities to counts; absent ones are 0 and 1.

    Raises:
        TargetError: Not that much can be removed.
    """
    if removed <= 0:
        return {group.name: 0.0 for group in groups}
    if all(group.granularity == "element" for group in groups):
        return _fill_elements(ranks, groups, removed=removed)
    frozen: dict[str, int] = {}
    best: _Cut | None = None
    while best is None or best.excess >= best.smallest:
        if best is not None:
            frozen[best.site] = best.block
        order = pieces(ranks, groups, saved, keep_at_least=keep_at_least, round_to=round_to, frozen=frozen)
        cut = _cut(order, groups, removed)
        if cut is None:
            break
        best = cut
    if best is None:
        raise _too_much(removed, groups, saved)
    return best.shares


def _cut(order: Pieces, groups: Sequence[Group], removed: float) -> _Cut | None:
    total = np.cumsum(order.saved)
    if not len(total) or total[-1] < removed * (1 - ROUNDING):
        return None
    last = int(np.searchsorted(total, removed * (1 - ROUNDING)))
    same = (order.owner == order.owner[last]) & (order.block == order.block[last])
    end = int(np.flatnonzero(same)[-1]) + 1
    gone = np.bincount(order.site[:end], weights=order.units[:end], minlength=len(groups))
    return _Cut(
        shares={group.name: float(gone[i]) / group.units for i, group in enumerate(groups)},
        excess=float(total[end - 1] - removed),
        smallest=_smallest_block(order, end),
        site=groups[order.owner[last]].name,
        block=int(order.block[last]),
    )


def _smallest_block(order: Pieces, start: int) -> float:
    """Return the least that a block from `start` on saves; infinite where none is left or none saves anything."""
    changes = np.flatnonzero(np.diff(order.owner[start:]) | np.diff(order.block[start:])) + 1
    sums = np.add.reduceat(order.saved[start:], np.concatenate([[0], changes])) if start < len(order.saved) else []
    return min((float(s) for s in sums if s > 0), default=math.inf)


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
