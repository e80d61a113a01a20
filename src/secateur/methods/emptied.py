"""Weights of which nothing stays."""

import logging
from collections.abc import Sequence

from secateur.granularity import zeroed
from secateur.group import Group, Masks

logger = logging.getLogger(__name__)

REMEDY = "share the zeros out by `allocation: uniform`, or keep some of each by `keep_at_least`"


def emptied(groups: Sequence[Group], before: Masks, after: Masks) -> list[str]:
    """Name the weights that lose the last of their units, where these become zeros in place."""
    return [
        group.slices[0].tensor
        for group in groups
        if zeroed(group) and before[group.name].any() and not after[group.name].any()
    ]


def tell_emptied(groups: Sequence[Group], before: Masks, after: Masks) -> None:
    """Warn of the weights that lose the last of their units."""
    if names := emptied(groups, before, after):
        logger.warning("nothing stays of %s; %s", ", ".join(names), REMEDY)
