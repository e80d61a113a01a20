from secateur.granularity import GRANULARITIES
from secateur.granularity.rank import RANK


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["rank"] is RANK
    assert (RANK.leaves, RANK.keep_at_least, RANK.rounds) == ("component", 1, True)
