import pytest

from secateur.errors import MissingExtraError, RequestError
from secateur.runtime import cpu

FEATURES = {
    "vnni": cpu.NEEDED["vnni"] | {"fma", "avx2"},
    "avx512": cpu.NEEDED["avx512"] | {"fma", "avx2"},
    "avx2": frozenset({"avx2", "fma", "sse2"}),
    "portable": frozenset({"neon"}),
}


@pytest.mark.parametrize("best", FEATURES)
def test_the_best_level_of_the_processor_is_taken(best: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cpu.CHOICE, raising=False)
    monkeypatch.setattr(cpu, "host_features", lambda: frozenset(FEATURES[best]))
    assert cpu.level() == best


def test_a_lower_level_can_be_asked_for_and_a_higher_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "host_features", lambda: frozenset(FEATURES["avx2"]))
    monkeypatch.setenv(cpu.CHOICE, "portable")
    assert cpu.level() == "portable"
    for wanted in ("vnni", "sse", ""):
        monkeypatch.setenv(cpu.CHOICE, wanted)
        with pytest.raises(RequestError, match="must be one of avx2, portable on this processor"):
            cpu.level()


def test_features_of_this_processor_have_names() -> None:
    assert all(isinstance(name, str) for name in cpu.host_features())


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"secateur\[runtime\]"):
        cpu.require_numba()


def test_this_processor_has_a_name() -> None:
    assert cpu.processor()
