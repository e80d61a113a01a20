"""What a method tells of the size on its way."""

from collections.abc import Sequence

from secateur.allocation import Budget, saved_so_far
from secateur.group import Group, Masks


def kept(budget: Budget, groups: Sequence[Group], masks: Masks, *, share: float) -> dict[str, float]:
    """Return the shares of the dense size kept: wanted, with `share` of what must go gone, and reached by `masks`."""
    saved = saved_so_far(groups, budget.saved, masks)
    return {
        "kept_wanted": 1.0 - share * budget.removed / budget.whole,
        "kept_reached": 1.0 - (saved - budget.zeros) / budget.whole,
    }
