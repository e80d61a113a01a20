from secateur.granularity import GRANULARITIES
from secateur.granularity.element import ELEMENT


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["element"] is ELEMENT
    assert (ELEMENT.leaves, ELEMENT.keep_at_least, ELEMENT.rounds, ELEMENT.single) == ("element", 0, False, True)
