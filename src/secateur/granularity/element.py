"""A single weight of a linear layer or convolution."""

from secateur.granularity.granularity import Granularity

ELEMENT = Granularity(
    name="element",
    summary="A single weight of a linear layer or convolution.",
    leaves="element",
    single=True,
)
