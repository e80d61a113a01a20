import numpy as np
import pytest

from secateur.runtime.groups import groups, padded
from secateur.runtime.quantize import OFFSET, QUAD, quantize

TOKENS = [1, 2, 3, 4, 5, 8, 9, 16, 17, 20, 31, 40]
FEATURES = [1, 3, 4, 15, 16, 17, 64, 70]


def tokens(count: int, features: int) -> np.ndarray:
    return np.random.default_rng(count + features).standard_normal((count, features)).astype(np.float32)


def integers(x: np.ndarray, count: int, features: int) -> np.ndarray:
    """Read quads back, one by one: (tokens, features padded to four)."""
    across = -(-features // 4)
    found = np.zeros((count, 4 * across), np.int64)
    done = 0
    for size in groups(count).tolist():
        for token in range(done, min(done + size, count)):
            for feature in range(4 * across):
                start = done * across * QUAD + (feature // 4 * size + token - done) * QUAD
                byte = x[start + feature % 4]
                found[token, feature] = int(byte) - OFFSET if OFFSET else byte.astype(np.int8)
        done += size
    return found


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("count", TOKENS)
def test_every_token_is_rounded_by_its_own_scale(count: int, features: int) -> None:
    values = tokens(count, features)
    x, scales = quantize(values)
    largest = np.abs(values).max(1, keepdims=True)
    want = np.rint(values * (np.float32(127.0) / largest))
    found = integers(x, count, features)
    assert np.array_equal(found[:, :features], want)
    assert not found[:, features:].any()
    assert np.array_equal(scales[:count], largest[:, 0] / np.float32(127.0))
    assert not scales[count:].any()
    assert len(scales) == padded(count)


def test_a_token_of_zeros_stays_so() -> None:
    x, scales = quantize(np.zeros((1, 20), np.float32))
    assert not scales.any()
    assert not integers(x, 1, 20).any()


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("place", [5, 33])
def test_a_token_that_is_not_finite_has_a_scale_that_is_none(bad: float, place: int) -> None:
    values = tokens(3, 34)
    values[1, place] = bad
    assert np.isnan(quantize(values).scales[:3]).tolist() == [False, True, False]
