from secateur.granularity import GRANULARITIES
from secateur.granularity.layer import LAYER


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["layer"] is LAYER
    assert (LAYER.leaves, LAYER.keep_at_least, LAYER.rounds) == ("layer", 0, False)
