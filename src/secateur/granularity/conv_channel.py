"""A channel of a convolution module or of the front end: what writes it, its filter, its norm entry, what reads it."""

from secateur.granularity.granularity import Granularity

CONV_CHANNEL = Granularity(
    name="conv_channel",
    summary="A channel of a convolution module or of the front end: what writes it, its filter, its norm entry, what "
    "reads it.",
    leaves="slice",
    keep_at_least=1,
    rounds=True,
)
