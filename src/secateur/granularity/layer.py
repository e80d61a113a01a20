"""A whole block, its norms included."""

from secateur.granularity.granularity import Granularity

LAYER = Granularity(
    name="layer",
    summary="A whole block, its norms included.",
    leaves="layer",
)
