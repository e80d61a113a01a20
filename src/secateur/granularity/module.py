"""A whole residual module (feed-forward, attention or convolution) and the norm in front of it."""

from secateur.granularity.granularity import Granularity

MODULE = Granularity(
    name="module",
    summary="A whole residual module (feed-forward, attention or convolution) and the norm in front of it.",
    leaves="branch",
)
