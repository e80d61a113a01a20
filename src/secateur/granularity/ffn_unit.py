"""A hidden unit of a feed-forward module: its row and bias in, its column out."""

from secateur.granularity.granularity import Granularity

FFN_UNIT = Granularity(
    name="ffn_unit",
    summary="A hidden unit of a feed-forward module: its row and bias in, its column out.",
    leaves="slice",
    keep_at_least=1,
    rounds=True,
)
