from secateur.granularity import GRANULARITIES
from secateur.granularity.module import MODULE


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["module"] is MODULE
    assert (MODULE.leaves, MODULE.keep_at_least, MODULE.rounds) == ("branch", 0, False)
