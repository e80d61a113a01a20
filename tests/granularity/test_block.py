from secateur.granularity import GRANULARITIES
from secateur.granularity.block import BLOCK


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["block"] is BLOCK
    assert (BLOCK.leaves, BLOCK.keep_at_least, BLOCK.rounds, BLOCK.single) == ("element", 0, False, False)
