import pytest
import torch

from secateur.processor import emulates_bfloat16, saturates

PROCESSORS = [
    ({"architecture": "x86_64", "avx2": True, "avx512_f": False, "avx512_vnni": False}, True, True),
    ({"architecture": "x86_64", "avx2": True, "avx_vnni": True}, True, False),
    ({"architecture": "x86_64", "avx2": True, "avx512_f": True, "avx512_vnni": False}, False, True),
    ({"architecture": "x86_64", "avx2": True, "avx512_f": True, "avx512_vnni": True}, False, False),
    ({"architecture": "aarch64"}, False, False),
    ({}, False, False),
]


@pytest.mark.parametrize(("has", "slow_in_bfloat16", "saturating"), PROCESSORS)
def test_what_a_processor_lacks_is_known_of_x86_alone(
    has: dict[str, str | bool], slow_in_bfloat16: bool, saturating: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert (emulates_bfloat16(), saturates()) == (slow_in_bfloat16, saturating)
