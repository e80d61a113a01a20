"""A tile of a weight matrix: some outputs times some inputs."""

from secateur.granularity.granularity import Granularity

BLOCK = Granularity(
    name="block",
    summary="A tile of a weight matrix: some outputs times some inputs.",
    leaves="element",
)
