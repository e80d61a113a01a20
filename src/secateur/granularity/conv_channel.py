"""A channel of a convolution module: both gate halves, its filter, its norm entry, its output column."""

from secateur.granularity.granularity import Granularity

CONV_CHANNEL = Granularity(
    name="conv_channel",
    summary="A channel of a convolution module: both gate halves, its filter, its norm entry, its output column.",
    leaves="slice",
    keep_at_least=1,
    rounds=True,
)
