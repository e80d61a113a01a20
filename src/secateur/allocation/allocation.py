"""What every allocation answers: in which order units leave, over all sites."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from torch import Tensor

from secateur.group import Group

GONE: Final = float("-inf")
"""The score and the rank of a unit that has left before: it stays out, however little is wanted."""

STAYS: Final = float("inf")
"""The score and the rank of a unit that may not leave, however much is wanted."""


class Allocation(Protocol):
    """Turns scores, which compare units of one site, into ranks, which compare units of all sites."""

    def __call__(
        self, scores: Mapping[str, Tensor], groups: Sequence[Group], saved: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Return ranks per site, shape (units,): smaller leaves earlier. Within a site the order is the scores'.

        A score of `GONE` gives a rank of `GONE`, and one of `STAYS` a rank of `STAYS`.
        `saved` maps a site to what one of its units saves in the target's unit.
        """
        ...
