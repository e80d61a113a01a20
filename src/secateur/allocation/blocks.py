"""What leaves in one go, and in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from secateur.allocation.allocation import STAYS
from secateur.allocation.gone import remainders
from secateur.group import Group

Array = npt.NDArray[Any]


@final
@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Units of one site that leave together, sorted by when: arrays with one entry per piece.

    Pieces of the same `owner` and `block` leave in one go: a module's block holds a piece of every site inside it.
    """

    rank: Array
    site: Array
    units: Array
    saved: Array
    owner: Array
    block: Array

    alone: Array
    """Whether the piece may leave before what it is inside of does."""

    def sorted(self) -> "Pieces":
        """Order by rank, then by owner and block, so that a block's pieces stand together; what stays is dropped."""
        order = np.lexsort((self.block, self.owner, self.rank))
        order = order[self.rank[order] < STAYS]
        return Pieces(**{name: array[order] for name, array in vars(self).items()})


def pieces(
    ranks: Mapping[str, Tensor],
    groups: Sequence[Group],
    saved: Mapping[str, float],
    *,
    keep_at_least: Mapping[str, int],
    round_to: Mapping[str, int],
    frozen: Mapping[str, int],
) -> Pieces:
    """Cut every site into blocks of `round_to` units in the order of their ranks.

    A piece's rank is the smallest of its own and of the sites it is inside of: what is inside leaves with its module
    at the latest; where the ranks are equal, with its module. `frozen` maps a site to the number of its blocks that
    may leave.
    """
    index = {group.name: i for i, group in enumerate(groups)}
    own = {
        group.name: _blocks(
            ranks[group.name].double().cpu().numpy(),
            step=round_to.get(group.granularity, 1),
            keep=keep_at_least.get(group.granularity, 0),
            free=group.free,
            allowed=frozen.get(group.name),
        )
        for group in groups
    }
    remainder = remainders(groups, saved)
    parts = [_site_pieces(group, own, index=index, remainder=remainder[group.name]) for group in groups]
    return Pieces(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]}).sorted()


def _blocks(ranks: Array, *, step: int, keep: int, free: float, allowed: int | None) -> tuple[Array, Array]:
    """Return the rank and the number of units of each block of a site, in the order they leave.

    The first block takes what makes the rest a multiple of `step`. Where the first units to leave save nothing, it
    takes all of them and one that does, by whose rank it goes: below that rank, none of the site leaves.
    """
    ordered = np.sort(ranks, kind="stable")
    ends = np.arange(len(ordered) % step or min(step, len(ordered)), len(ordered) + 1, step)
    ends = ends[ends > free]
    starts = np.concatenate([[0], ends[:-1]])
    rank = np.maximum.accumulate(np.add.reduceat(ordered, starts) / (ends - starts))
    if free:
        rank = np.maximum(rank, ordered[ends[0] - 1])
    rank[len(ordered) - ends < keep] = STAYS
    if allowed is not None:
        rank[allowed:] = STAYS
    return rank, ends - starts


def _site_pieces(
    group: Group, own: Mapping[str, tuple[Array, Array]], *, index: Mapping[str, int], remainder: float
) -> dict[str, Array]:
    rank, units = own[group.name]
    alone = rank < STAYS
    owner = np.full(len(rank), index[group.name])
    block = np.arange(len(rank))
    for site in group.inside:
        earlier = own[site][0][0] <= rank
        rank = np.where(earlier, own[site][0][0], rank)
        owner = np.where(earlier, index[site], owner)
        block = np.where(earlier, 0, block)
    return {
        "rank": rank,
        "site": np.full(len(rank), index[group.name]),
        "units": units,
        "saved": np.diff(np.maximum(np.cumsum(units) - group.free, 0.0), prepend=0.0) * remainder,
        "owner": owner,
        "block": block,
        "alone": alone,
    }
