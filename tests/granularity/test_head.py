from secateur.granularity import GRANULARITIES
from secateur.granularity.head import HEAD


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["head"] is HEAD
    assert (HEAD.leaves, HEAD.keep_at_least, HEAD.rounds) == ("slice", 1, False)
