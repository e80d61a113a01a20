"""Kernels of floating point activations: blocks of 16 rows and one or four columns, of any kind of value."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import prange
from numba.core import types

from secateur.runtime.compiled import compiled, shared
from secateur.runtime.groups import groups, padded
from secateur.runtime.threads import in_parts, share
from secateur.runtime.vectors import (
    BYTE,
    FLOAT,
    FLOATS,
    LANES,
    LONG,
    SHORT,
    SHORTS,
    WORDS,
    accumulators,
    add_up,
    constant,
    intrinsic,
    load,
    loop,
    multiply_add,
    read_ahead,
    splat,
    store_rows,
)

UNROLL: Final = 4
"""Blocks in flight for a single token."""

HIGH: Final = -65536
"""The upper half of a word."""


def _columns(build: Any, block: Any, dtype: str, width: int) -> list[Any]:
    """Load the columns of a block: 16 floats each."""
    if dtype == "I8":
        narrow = load(build, block, ir.VectorType(BYTE, LANES), align=1)
        return [build.sitofp(build.sext(narrow, WORDS), FLOATS)]
    if dtype == "BF16" and width == 1:
        narrow = load(build, block, ir.VectorType(SHORT, LANES), align=1)
        return [build.bitcast(build.shl(build.zext(narrow, WORDS), _sixteen()), FLOATS)]
    tile = WORDS if dtype == "F32" else SHORTS
    loaded = (load(build, block, tile, 4 * LANES * at, align=1) for at in range(width * LANES // tile.count))
    return [column for one in loaded for column in columns_of(build, one)]


def columns_of(build: Any, tile: Any) -> list[Any]:
    """Return the columns in 512 bits, 16 floats each: one of float32, or two of bfloat16, side by side in each row."""
    if tile.type == WORDS:
        return [build.bitcast(tile, FLOATS)]
    words = build.bitcast(tile, WORDS)
    halves = build.shl(words, _sixteen()), build.and_(words, ir.Constant(WORDS, [HIGH] * LANES))
    return [build.bitcast(half, FLOATS) for half in halves]


def _sixteen() -> Any:
    return ir.Constant(WORDS, [16] * LANES)


def add_columns(build: Any, columns: list[Any], first: Any, sums: list[Any]) -> None:
    """Add products of columns and features to a sum per token; features lie from an address on, token by token."""
    for column, weights in enumerate(columns):
        for at, to in enumerate(sums):
            feature = load(build, first, FLOAT, 4 * (column * len(sums) + at))
            build.store(multiply_add(build, weights, splat(build, feature, FLOATS), build.load(to)), to)


def finish(build: Any, sums: list[Any], tokens: int, out: Any, stride: Any, row: Any, rows: Any) -> None:
    """Store sum * scale + bias for every token; `row` is the address of 16 scales, nothing, and biases."""
    scale, bias = load(build, row, FLOATS), load(build, row, FLOATS, 8 * LANES)
    for at in range(tokens):
        total = multiply_add(build, add_up(build, sums[at::tokens], floating=True), scale, bias)
        store_rows(build, total, build.add(out, build.mul(stride, constant(at))), rows)


DTYPES: Final = {32: "F32", 16: "BF16", 8: "I8"}
"""Bits of what values are moved about as -> what they are."""


@intrinsic(prefer_literal=True)
def _blocks(
    typing: Any,
    tokens: Any,
    columns: Any,
    kind: Any,
    place: Any,
    values: Any,
    count: Any,
    x: Any,
    out: Any,
    stride: Any,
    row: Any,
    rows: Any,
) -> Any:
    """Multiply one row of blocks with so many tokens, a literal.

    How many axes the array `columns` has says how wide blocks are, the type of the array `kind` what values they hold.
    The others are addresses, but for `count`, of blocks, `stride`, the bytes between two tokens' outputs, and `rows`, a
    bit for each row that is stored. Of `x` features lie one behind the other, in each token by token.
    """
    together, width, dtype = tokens.literal_value, columns.ndim, DTYPES[kind.dtype.bitwidth]
    unroll = UNROLL if together == 1 else 1
    size = kind.dtype.bitwidth // 8 * LANES * width

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, _, _, place, values, count, x, out, stride, row, rows = arguments
        sums = accumulators(build, together * unroll, FLOATS)

        def step(index: Any, copy: int) -> None:
            short = load(build, build.add(place, build.shl(index, constant(1))), SHORT, align=2)
            block = build.add(values, build.mul(index, constant(size)))
            read_ahead(build, block)
            first = build.add(x, build.mul(build.zext(short, LONG), constant(4 * together * width)))
            found = _columns(build, block, dtype, width)
            add_columns(build, found, first, sums[copy * together : (copy + 1) * together])

        loop(build, count, unroll, step)
        finish(build, sums, together, out, stride, row, rows)
        return context.get_dummy_value()

    return types.void(tokens, columns, kind, *[types.int64] * 8), generate


@compiled
def _part(
    part: Any, parts: Any, sizes: Any, starts: Any, places: Any, values: Any, columns: Any, x: Any, row: Any, out: Any
) -> None:
    tokens, rows = out.shape
    features = x.size // tokens
    size = LANES * columns.ndim * values.itemsize
    first, last = share(part, parts, len(starts) - 1)
    done = 0
    for group in sizes:  # outside, so that a group stays in the cache while the weight goes by
        here = x.ctypes.data + 4 * done * features
        for down in range(first, last):
            at, keep = row[down].ctypes.data, (1 << min(LANES, rows - down * LANES)) - 1
            place, start = places.ctypes.data + 2 * starts[down], values.ctypes.data + size * starts[down]
            to, count = out.ctypes.data + 4 * (done * rows + LANES * down), starts[down + 1] - starts[down]
            if group == 16:
                _blocks(16, columns, values, place, start, count, here, to, 4 * rows, at, keep)
            elif group == 8:
                _blocks(8, columns, values, place, start, count, here, to, 4 * rows, at, keep)
            elif group == 4:
                _blocks(4, columns, values, place, start, count, here, to, 4 * rows, at, keep)
            else:
                _blocks(1, columns, values, place, start, count, here, to, 4 * rows, at, keep)
        done += group


@shared
def _parts(threads: Any, *arguments: Any) -> None:
    for part in prange(threads):
        _part(part, threads, *arguments)


def multiply(
    sizes: Any, starts: Any, places: Any, values: Any, columns: Any, x: Any, row: Any, out: Any, *, threads: int = 1
) -> None:
    """Multiply a packed weight with arranged tokens (`arrange`): `out` is (tokens, rows).

    `columns` is an array, empty, of as many axes as blocks have columns; `row` has scales, nothing and biases of 16
    rows: (down, 48). Rows are shared among so many `threads`.
    """
    arguments = sizes, starts, places, values, columns, x, row, out
    in_parts(threads, _part, _parts, arguments)


@compiled
def _arrange(sizes: Any, tokens: Any, x: Any, features: Any) -> None:
    count, have = tokens.shape
    done = 0
    for size in sizes:
        for feature in range(features):
            for at in range(size):
                there = feature < have and done + at < count
                place = done * features + feature * size + at
                x[place] = tokens[done + at, feature] if there else np.float32(0.0)
        done += size


def arrange(tokens: npt.NDArray[np.float32], features: int) -> npt.NDArray[np.float32]:
    """Lay tokens (M, K) out as kernels of floats read them: groups in turn, of each features, of these token by token.

    K is padded with zeros to so many `features`, M to whole groups.
    """
    x = np.empty(padded(len(tokens)) * features, np.float32)
    _arrange(groups(len(tokens)), tokens, x, features)
    return x
