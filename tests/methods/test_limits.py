import pytest

from secateur.methods import Limits


@pytest.mark.parametrize(
    ("limits", "keeping", "rounding"),
    [
        (Limits(), {"head": 1, "ffn_unit": 1, "module": 0}, {"head": 1, "ffn_unit": 1, "conv_channel": 1}),
        (Limits(keep_at_least={"head": 2}, round_to=8), {"head": 2, "ffn_unit": 1}, {"head": 1, "ffn_unit": 8}),
    ],
)
def test_limits_fill_in_what_is_not_said(limits: Limits, keeping: dict[str, int], rounding: dict[str, int]) -> None:
    assert keeping.items() <= limits.keeping().items()
    assert rounding.items() <= limits.rounding().items()
