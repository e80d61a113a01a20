"""A component of a layer in two factors: a row of the first, a column of the second."""

from secateur.granularity.granularity import Granularity

RANK = Granularity(
    name="rank",
    summary="A component of a layer in two factors: a row of the first, a column of the second.",
    leaves="component",
    keep_at_least=1,
    rounds=True,
)
