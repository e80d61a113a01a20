from secateur.granularity import GRANULARITIES
from secateur.granularity.conv_channel import CONV_CHANNEL


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["conv_channel"] is CONV_CHANNEL
    assert (CONV_CHANNEL.leaves, CONV_CHANNEL.keep_at_least, CONV_CHANNEL.rounds) == ("slice", 1, True)
