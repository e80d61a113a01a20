from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core import types

from secateur.runtime.dot import dot
from secateur.runtime.quantize import OFFSET
from secateur.runtime.vectors import BYTES, LANES, WORDS, intrinsic, load, pointer


@intrinsic
def dot_of(typing: Any, to: Any, tile: Any, quad: Any) -> Any:
    """Add the sums of a tile and four activations to 16 words."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        to, tile, quad = arguments
        found = dot(build, load(build, to, WORDS), load(build, tile, BYTES, align=1), quad)
        build.store(found, pointer(build, to, WORDS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@njit
def added(to: Any, tile: Any, quad: Any) -> None:
    dot_of(to.ctypes.data, tile.ctypes.data, quad.ctypes.data)


@pytest.mark.parametrize("largest", [1, 3, 127])
def test_each_row_is_a_sum_over_four_columns_and_exact(largest: int) -> None:
    draw = np.random.default_rng(0)
    for _ in range(200):
        tile, quad = (draw.integers(-largest, largest + 1, size).astype(np.int8) for size in ((LANES, 4), 4))
        if largest == 127:  # all at the ends
            tile, quad = (np.where(one < 0, -127, 127).astype(np.int8) for one in (tile, quad))
        to = draw.integers(-1000, 1000, LANES).astype(np.int32)
        want = to + tile.astype(np.int64) @ (quad.astype(np.int64) + OFFSET)
        added(to, tile, (quad.astype(np.int64) + OFFSET).astype(np.uint8))
        assert np.array_equal(to, want)
