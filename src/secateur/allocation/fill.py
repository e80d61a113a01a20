"""From ranks and a budget to a share per site, exactly."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from secateur.allocation.allocation import GONE, STAYS
from secateur.allocation.blocks import pieces
from secateur.allocation.cut import ROUNDING, Cut, first_cut, give_back
from secateur.allocation.hold import hold
from secateur.errors import TargetError
from secateur.granularity import GRANULARITIES
from secateur.group import Group, Masks
from secateur.smallest import kth_smallest


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
    stays as it then is, and smaller blocks leave instead. Where those do not suffice it leaves after all, and blocks
    before it stay as far as possible: blocks that are few and of several sizes may not come closer. Units whose rank
    is `GONE` leave in any case, and those whose rank is `STAYS` in none.

    On the way to a larger target, `at_most` is that target: a block may overshoot `removed` up to there, since a
    whole module would otherwise be passed over at every small step.

    `keep_at_least` and `round_to` map granularities to counts; absent ones are 0 and 1.

    Raises:
        TargetError: Not that much can be removed.
    """
    if removed <= 0 and not any(bool((rank == GONE).any()) for rank in ranks.values()):
        return {group.name: 0.0 for group in groups}
    if _single(groups):
        held = {g.name: _held(ranks[g.name], keep_at_least.get(g.granularity, 0)) for g in groups}
        return _fill_elements(held, groups, removed=removed)
    frozen: dict[str, int] = {}
    best: Cut | None = None
    while True:
        order = pieces(ranks, groups, saved, keep_at_least=keep_at_least, round_to=round_to, frozen=frozen)
        cut = first_cut(order, groups, removed=removed, at_most=removed if at_most is None else at_most)
        if cut is None:
            break
        if cut.excess < cut.smallest:
            return _shares(cut, groups)
        frozen[cut.site] = cut.block
        closest = give_back(cut, order, groups)
        best = closest if best is None or closest.excess < best.excess else best
    if best is None:
        raise _too_much(removed, groups, saved)
    return _shares(best, groups)


def most_removable(
    groups: Sequence[Group],
    saved: Mapping[str, float],
    *,
    keep_at_least: Mapping[str, int],
    round_to: Mapping[str, int],
    here: Masks | None = None,
) -> float:
    """Return what is saved when everything leaves that may; `here` are masks of single weights that have not left."""
    if _single(groups):
        masks = here or {}
        return float(sum(_most(g, keep_at_least.get(g.granularity, 0), masks.get(g.name)) for g in groups))
    alike = {group.name: torch.zeros(group.units) for group in groups}
    order = pieces(alike, groups, saved, keep_at_least=keep_at_least, round_to=round_to, frozen={})
    return float(order.saved.sum())


def _single(groups: Sequence[Group]) -> bool:
    return all(GRANULARITIES[group.granularity].single for group in groups)


def _most(group: Group, keep: int, here: Tensor | None) -> int:
    ranks = hold(torch.zeros(group.units), group.runs, here=here)
    return int((_held(ranks, keep) < STAYS).sum())


def _held(ranks: Tensor, keep: int) -> Tensor:
    """Return the ranks of a site with `STAYS` for the best `keep`; what has left does not come back."""
    if not keep:
        return ranks
    here = int((ranks != GONE).sum())
    return ranks.index_fill(0, ranks.topk(min(keep, here)).indices, STAYS)


def _shares(cut: Cut, groups: Sequence[Group]) -> dict[str, float]:
    return {group.name: float(gone) / group.units for group, gone in zip(groups, cut.gone, strict=True)}


def _fill_elements(ranks: Mapping[str, Tensor], groups: Sequence[Group], *, removed: float) -> dict[str, float]:
    """Single weights all save 1 and are inside of nothing: one threshold over all, ties in the order of the sites."""
    together = torch.cat([ranks[group.name].flatten() for group in groups])
    wanted = max(math.ceil(removed * (1 - ROUNDING)), int((together == GONE).sum()))
    threshold = kth_smallest(together, wanted) if wanted <= len(together) else STAYS
    if threshold == STAYS:
        raise _too_much(removed, groups, {group.name: 1.0 for group in groups})
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
