from secateur.granularity import GRANULARITIES
from secateur.granularity.ffn_unit import FFN_UNIT


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["ffn_unit"] is FFN_UNIT
    assert (FFN_UNIT.leaves, FFN_UNIT.keep_at_least, FFN_UNIT.rounds) == ("slice", 1, True)
