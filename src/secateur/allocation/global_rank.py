"""One ranking over all sites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from torch import Tensor

from secateur.group import Group


@final
@dataclass(frozen=True)
class GlobalRank:
    """Rank by the scores as they are: the least important unit of the whole model leaves first.

    Fair between units of one size. Between sizes it prefers small units, whose scores are small: then
    ``cost_aware`` is the better choice.
    """

    def __call__(
        self, scores: Mapping[str, Tensor], groups: Sequence[Group], saved: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Return the scores."""
        return {group.name: scores[group.name] for group in groups}
