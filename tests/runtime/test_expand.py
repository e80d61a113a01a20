"""Every kind of tile, against places filled one by one."""

from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core import types

from secateur.runtime.expand import expand
from secateur.runtime.vectors import BYTES, SHORTS, WORDS, intrinsic, pointer

KINDS = {1: BYTES, 2: SHORTS, 4: WORDS}
"""Bytes of a value -> a tile of such."""

VECTOR = 64
"""Bytes of a tile."""


@intrinsic
def expand_one(typing: Any, like: Any, mask: Any, values: Any, out: Any) -> Any:
    """Write the tile behind a mask, and return how far its values reach; `like` is an array of the type of values."""
    kind = KINDS[like.dtype.bitwidth // 8]

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, mask, values, out = arguments
        tile, taken = expand(build, mask, values, kind)
        build.store(tile, pointer(build, out, kind), align=1)
        return taken

    return types.int64(like, *[types.int64] * 3), generate


@njit
def expanded(mask: Any, values: Any, out: Any) -> Any:
    return expand_one(values, mask.ctypes.data, values.ctypes.data, out.ctypes.data)


def one_by_one(bits: np.ndarray, values: np.ndarray) -> np.ndarray:
    found, taken = np.zeros(len(bits), values.dtype), 0
    for place, bit in enumerate(bits):
        if bit:
            found[place] = values[taken]
            taken += 1
    return found


def masks(lanes: int) -> list[np.ndarray]:
    """Draw masks of every density; none, all, each single one, each missing one, and every byte there is."""
    generator = np.random.default_rng(0)
    drawn = [generator.random(lanes) < share for share in np.linspace(0, 1, 101)]
    single = list(np.eye(lanes, dtype=bool))
    eights = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(bool)
    repeated = [np.tile(eight, lanes // 8) for eight in eights]
    beside = [np.concatenate([eight, ~np.resize(eight, lanes - 8)]) for eight in eights]
    return [np.zeros(lanes, bool), np.ones(lanes, bool), *drawn, *single, *(~one for one in single), *repeated, *beside]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_values_lie_wherever_there_is_a_bit(dtype: Any) -> None:
    lanes = VECTOR // np.dtype(dtype).itemsize
    values = np.random.default_rng(1).integers(1, np.iinfo(dtype).max, 2 * lanes, dtype=dtype)
    out = np.empty(lanes, dtype)
    for bits in masks(lanes):
        mask = np.packbits(bits, bitorder="little").view(f"u{lanes // 8}")
        for start in (0, 1, lanes):  # values need not lie at multiples of anything but their size
            taken = expanded(mask, values[start:], out)
            assert np.array_equal(out, one_by_one(bits, values[start:]))
            assert taken == bits.sum() * values.itemsize
