import pytest
import torch

from secateur.processor import emulates_bfloat16


@pytest.mark.parametrize(("capability", "emulates"), [("AVX2", True), ("AVX512", False), ("SVE256", False)])
def test_bfloat16_is_emulated_on_x86_without_avx512(
    capability: str, emulates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert emulates_bfloat16() is emulates
