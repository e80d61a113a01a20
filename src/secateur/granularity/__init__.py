"""What leaves together: element scores to one score per removable unit."""

from secateur.granularity.conv_channel import CONV_CHANNEL
from secateur.granularity.element import ELEMENT
from secateur.granularity.ffn_unit import FFN_UNIT
from secateur.granularity.granularity import Granularity
from secateur.granularity.head import HEAD
from secateur.granularity.layer import LAYER
from secateur.granularity.module import MODULE
from secateur.granularity.rank import RANK
from secateur.granularity.units import members, unit_sums

GRANULARITIES = {
    "element": ELEMENT,
    "ffn_unit": FFN_UNIT,
    "head": HEAD,
    "conv_channel": CONV_CHANNEL,
    "module": MODULE,
    "layer": LAYER,
    "rank": RANK,
}

__all__ = ["GRANULARITIES", "Granularity", "members", "unit_sums"]
