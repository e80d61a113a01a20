"""What leaves together: element scores to one score per removable unit."""

from secateur.granularity.block import BLOCK
from secateur.granularity.conv_channel import CONV_CHANNEL
from secateur.granularity.element import ELEMENT
from secateur.granularity.ffn_unit import FFN_UNIT
from secateur.granularity.granularity import Granularity
from secateur.granularity.head import HEAD
from secateur.granularity.layer import LAYER
from secateur.granularity.module import MODULE
from secateur.granularity.n_of_m import N_OF_M
from secateur.granularity.rank import RANK
from secateur.granularity.units import empty, members, unit_sums
from secateur.group import Group

GRANULARITIES = {
    "element": ELEMENT,
    "n_of_m": N_OF_M,
    "block": BLOCK,
    "ffn_unit": FFN_UNIT,
    "head": HEAD,
    "conv_channel": CONV_CHANNEL,
    "module": MODULE,
    "layer": LAYER,
    "rank": RANK,
}

__all__ = ["GRANULARITIES", "Granularity", "empty", "members", "unit_sums", "zeroed"]


def zeroed(group: Group) -> bool:
    """Whether the units of a group become zeros where they are, so that no shape changes."""
    return GRANULARITIES[group.granularity].leaves == "element"
