"""One ranking over all sites, by score per parameter, byte or multiply-accumulate saved."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from torch import Tensor

from secateur.group import Group


@final
@dataclass(frozen=True)
class CostAware:
    """Rank by score / saved: the greedy order of the knapsack that loses the least score for the size it must shed.

    A unit that saves nothing of the target ranks last.

    >>> import torch
    >>> group = Group(name="a:head", granularity="head", module="a", units=1, slices=())
    >>> CostAware()({"a:head": torch.tensor([8.0])}, [group], {"a:head": 4.0})["a:head"]
    tensor([2.])

    Source: Dantzig 1957, "Discrete-variable extremum problems" (the greedy knapsack).
    """

    def __call__(
        self, scores: Mapping[str, Tensor], groups: Sequence[Group], saved: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Return scores per saved unit of the target."""
        return {group.name: _ratio(scores[group.name], saved[group.name]) for group in groups}


def _ratio(scores: Tensor, saved: float) -> Tensor:
    return (scores / saved).nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)  # 0 / 0 saves nothing either
