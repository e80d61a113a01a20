import numpy as np
import pytest

from secateur.checkpoint.packed.zstd import deflate, inflate, require_zstd
from secateur.errors import MissingExtraError, ModelError


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int64, np.float32])
@pytest.mark.parametrize("length", [0, 1, 1000])
def test_a_part_comes_back(kind: type, length: int) -> None:
    part = np.arange(length).astype(kind)
    assert np.array_equal(inflate("w", deflate(part), length=length, kind=kind), part)


def test_no_more_is_restored_than_is_known_of() -> None:
    """A frame of a few bytes may state any size."""
    bomb = deflate(np.zeros(1 << 24, np.uint8))
    assert len(bomb) < 1000
    with pytest.raises(ModelError, match="must hold 64 bytes for `w`, but holds 16777216"):
        inflate("w", bomb, length=64, kind=np.uint8)


@pytest.mark.parametrize("spoil", [lambda a: a[:-3], lambda a: a[:0], lambda a: a ^ 255, lambda a: np.roll(a, 5)])
def test_a_damaged_frame_is_a_sentence(spoil) -> None:
    with pytest.raises(ModelError, match="it is damaged"):
        inflate("w", spoil(deflate(np.arange(1000, dtype=np.uint8))), length=1000, kind=np.uint8)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.checkpoint.packed.zstd.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"secateur\[packed\]"):
        require_zstd()
