"""An attention head: query, key, value, relative-key rows, position biases, output columns."""

from secateur.granularity.granularity import Granularity

HEAD = Granularity(
    name="head",
    summary="An attention head: query, key, value, relative-key rows, position biases, output columns.",
    leaves="slice",
    keep_at_least=1,
)
