"""The same share from every site."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from secateur.allocation.allocation import GONE, STAYS
from secateur.group import Group


@final
@dataclass(frozen=True)
class Uniform:
    """Rank a unit by its place in its site: the k-th least important of n leaves when a share of k / n must leave.

    Sites of one unit (modules, layers) have no share of their own: they compete with each other by score, all sites
    of the granularity taken as one. Units that save nothing (`Group.free`) have no place: shares are of what can be
    saved.

    >>> group = Group(name="a:head", granularity="head", module="a", units=4, slices=())
    >>> Uniform()({"a:head": torch.tensor([3.0, 1.0, 2.0, 4.0])}, [group], {})["a:head"].tolist()
    [0.75, 0.25, 0.5, 1.0]
    """

    def __call__(
        self, scores: Mapping[str, Tensor], groups: Sequence[Group], saved: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Return places in (0, 1], `GONE` for what has left and `STAYS` for what may not leave."""
        ranks = {group.name: _places(scores[group.name], free=group.free) for group in groups if group.units > 1}
        single: dict[str, list[str]] = defaultdict(list)
        for group in groups:
            if group.units == 1:
                single[group.granularity].append(group.name)
        for sites in single.values():
            places = _places(torch.cat([scores[site].cpu() for site in sites]))
            ranks |= {site: places[i : i + 1] for i, site in enumerate(sites)}
        return ranks


def _places(scores: Tensor, *, free: float = 0.0) -> Tensor:
    order = torch.argsort(scores, stable=True)
    places = torch.empty(len(scores), dtype=torch.float64)
    saving = (torch.arange(1, len(scores) + 1, dtype=torch.float64) - free).clamp(min=0.0)
    places[order.cpu()] = saving / (len(scores) - free)
    return places.masked_fill(scores.cpu() == GONE, GONE).masked_fill(scores.cpu() == STAYS, STAYS)
