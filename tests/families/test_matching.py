import pytest

import tiny
from secateur.families import find_groups


@pytest.mark.parametrize(
    ("granularity", "exclude", "told"),
    [
        ("ffn_unit", ["*layers.0*"], []),
        ("ffn_unit", ["encoder.layers.0.feed_forward1"], ["encoder.layers.0.feed_forward1"]),
        ("element", ["encodr.*", "*linear1*"], ["encodr.*"]),
        ("block", ["*feed_forward1.linear1*", "*nowhere*"], ["*nowhere*"]),  # the first is there, but no block fits it
        ("n_of_m", ["*linear1.weight:element"], ["*linear1.weight:element"]),
    ],
)
def test_patterns_that_fit_nothing_are_told(
    granularity: str, exclude: list[str], told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    find_groups(tiny.ctc(), [granularity], exclude=exclude, block=tiny.BLOCK)
    found = [message for message in caplog.messages if "which fits none of" in message]
    assert [message.split("`")[3] for message in found] == told


def test_layers_that_are_kept_from_being_split_are_sites_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    model = tiny.split(tiny.ctc())
    find_groups(model, ["rank"], exclude=["*feed_forward1*", "*nowhere*"])
    assert [message.split("`")[3] for message in caplog.messages if "which fits none" in message] == ["*nowhere*"]
