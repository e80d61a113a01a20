"""Which units stay: scores, ranked over sites, cut to a size."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from secateur.allocation import Budget, fill_within
from secateur.allocation.within import Rank
from secateur.group import Group
from secateur.masks import select
from secateur.methods.limits import Limits


def choose(
    scores: Mapping[str, Tensor],
    rank: Rank,
    groups: Sequence[Group],
    budget: Budget,
    limits: Limits,
    *,
    share: float = 1.0,
) -> dict[str, Tensor]:
    """Return the masks at which `share` of what a budget removes has left, site -> bool (units,).

    `rank` says who leaves first over all sites, `scores` within a site.

    Raises:
        TargetError: Not that much can be removed.
    """
    shares = fill_within(rank, groups, budget, share=share, keep_at_least=limits.keeping(), round_to=limits.rounding())
    return {site: select(scores[site], gone) for site, gone in shares.items()}
