from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from numba import njit
from numba.core import types

from secateur.runtime.expand import count, expand
from secateur.runtime.vectors import BYTES, INT, LONG, SHORT, SHORTS, WORDS, intrinsic, load, pointer

KINDS = {8: (BYTES, LONG), 16: (SHORTS, INT), 32: (WORDS, SHORT)}
"""Bits of a value -> its tile and its mask."""

MASKS = {64: np.uint64, 32: np.uint32, 16: np.uint16}
VALUES = {8: np.uint8, 16: np.uint16, 32: np.uint32}


@intrinsic(prefer_literal=True)
def expand_one(typing: Any, bits: Any, mask: Any, values: Any, out: Any, many: Any) -> Any:
    """Store the tile behind a mask, and how many bits the mask has."""
    kind, word = KINDS[bits.literal_value]

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, mask, values, out, many = arguments
        loaded = load(build, mask, word)
        build.store(expand(build, loaded, values, kind), pointer(build, out, kind), align=4)
        build.store(count(build, loaded), pointer(build, many, ir.IntType(64)), align=8)
        return context.get_dummy_value()

    return types.void(bits, *[types.int64] * 4), generate


@njit
def bytes_of(mask: Any, values: Any, out: Any, many: Any) -> None:
    expand_one(8, mask.ctypes.data, values.ctypes.data, out.ctypes.data, many.ctypes.data)


@njit
def shorts_of(mask: Any, values: Any, out: Any, many: Any) -> None:
    expand_one(16, mask.ctypes.data, values.ctypes.data, out.ctypes.data, many.ctypes.data)


@njit
def words_of(mask: Any, values: Any, out: Any, many: Any) -> None:
    expand_one(32, mask.ctypes.data, values.ctypes.data, out.ctypes.data, many.ctypes.data)


@pytest.mark.parametrize(("bits", "expanded"), [(8, bytes_of), (16, shorts_of), (32, words_of)])
def test_each_value_lies_where_its_bit_is_and_all_else_is_zero(bits: int, expanded: Any) -> None:
    lanes, draw = 512 // bits, np.random.default_rng(0)
    shares = [0.0, 0.03, 0.2, 0.5, 0.8, 1.0] * 40
    for share in shares:
        kept = draw.random(lanes) < share
        values = draw.integers(1, 1 << bits, 2 * lanes).astype(VALUES[bits])
        mask = np.packbits(kept, bitorder="little").view(MASKS[lanes])
        want = np.zeros(lanes, VALUES[bits])
        want[kept] = values[: kept.sum()]
        out, many = np.full(lanes, 77, VALUES[bits]), np.zeros(1, np.int64)
        expanded(mask, values, out, many)
        assert np.array_equal(out, want)
        assert many[0] == kept.sum()


def test_every_mask_of_a_vector_of_words() -> None:
    values = np.arange(1, 33, dtype=np.uint32)
    out, many = np.zeros(16, np.uint32), np.zeros(1, np.int64)
    for mask in range(1 << 16):
        words_of(np.array([mask], np.uint16), values, out, many)
        there = (mask >> np.arange(16)) & 1
        assert np.array_equal(out, there * np.cumsum(there))
