from typing import Any

import numpy as np
import pytest
from numba import njit

from secateur.runtime.panels import COLUMNS, NOTHING, ROWS, ROWS_OF, multiply


@njit
def from_nothing(depth: Any, a: Any, b: Any, out: Any) -> None:
    addresses = a.ctypes.data, b.ctypes.data, out.ctypes.data
    multiply(NOTHING, False, depth, addresses[0], a.strides[0], addresses[1], b.strides[0], 0, 0, addresses[2],
             out.strides[0])  # fmt: skip


@njit
def from_rows(depth: Any, a: Any, b: Any, start: Any, apart: Any, out: Any) -> None:
    multiply(ROWS_OF, True, depth, a.ctypes.data, a.strides[0], b.ctypes.data, b.strides[0], start.ctypes.data, apart,
             out.ctypes.data, out.strides[0])  # fmt: skip


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("depth", [0, 1, 7, 64])
def test_it_is_the_product_of_rows_that_may_lie_apart(depth: int) -> None:
    a, b, out = drawn(ROWS, 70), drawn(64, COLUMNS + 3), np.full((ROWS, COLUMNS + 5), 9.0, np.float32)
    from_nothing(depth, a, b, out)
    np.testing.assert_allclose(out[:, :COLUMNS], a[:, :depth] @ b[:depth, :COLUMNS], rtol=1e-4, atol=1e-5)
    assert (out[:, COLUMNS:] == 9.0).all()


@pytest.mark.parametrize("same", [True, False], ids=["a bias", "rows"])
def test_it_is_added_to_rows_and_what_is_below_zero_becomes_zero(same: bool) -> None:
    a, b, start, out = drawn(ROWS, 8), drawn(8, COLUMNS), drawn(ROWS, COLUMNS), np.empty((ROWS, COLUMNS), np.float32)
    a[0, 0] = np.nan
    from_rows(8, a, b, start, 0 if same else start.strides[0], out)
    want = np.maximum(a @ b + (start[:1] if same else start), 0.0)
    np.testing.assert_allclose(out, want, rtol=1e-4, atol=1e-5)  # not a number stays so, in both
    assert np.isnan(out[0]).all()
