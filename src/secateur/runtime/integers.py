"""Kernels of integer weights and activations: tiles of 16 rows and 4 columns, whole or behind a mask."""

from typing import Any, Final

import numpy as np
from numba import prange
from numba.core import cgutils, types

from secateur.runtime.compiled import compiled, shared
from secateur.runtime.dot import dot
from secateur.runtime.expand import expand
from secateur.runtime.quantize import QUAD
from secateur.runtime.threads import in_parts, share
from secateur.runtime.vectors import (
    BYTES,
    FLOAT,
    FLOATS,
    LANES,
    LONG,
    SHORT,
    WORDS,
    accumulators,
    add_up,
    constant,
    intrinsic,
    load,
    loop,
    multiply_add,
    pointer,
    read_ahead,
    splat,
    store_rows,
)

TILE: Final = 64
"""Bytes of a tile."""

MASK: Final = 8
"""Bytes of a mask."""

PLACE: Final = 2
"""Bytes of a tile's place."""

UNROLL: Final = 4
"""Tiles in flight for a single token, whose sum would else wait for itself."""


def _finish(build: Any, sums: list[Any], out: Any, stride: Any, row: Any, token: Any, rows: Any) -> None:
    """Store (sum - shift) * row scale * token scale + bias for every token.

    `row` is the address of 16 scales, 16 shifts and 16 biases, `token` that of a scale per token.
    """
    scale, bias = load(build, row, FLOATS), load(build, row, FLOATS, 8 * LANES)
    shift = load(build, row, WORDS, 4 * LANES)
    for at, total in enumerate(sums):
        real = build.sitofp(build.sub(total, shift), FLOATS)
        both = build.fmul(scale, splat(build, load(build, token, FLOAT, 4 * at), FLOATS))
        where = build.add(out, build.mul(stride, constant(at)))
        store_rows(build, multiply_add(build, real, both, bias), where, rows)


def _next(build: Any, masks: Any, index: Any, ahead: Any) -> Any:
    """Return a tile from behind its mask, and leave where the values of the next one begin."""
    place, start = build.add(masks, build.mul(index, constant(MASK))), build.load(ahead)
    read_ahead(build, place)
    read_ahead(build, start)
    tile, kept = expand(build, place, start, BYTES)
    build.store(build.add(start, kept), ahead)
    return tile


@intrinsic(prefer_literal=True)
def _tile(
    typing: Any,
    tokens: Any,
    places: Any,
    place: Any,
    values: Any,
    tiles: Any,
    x: Any,
    out: Any,
    stride: Any,
    row: Any,
    token: Any,
    rows: Any,
) -> Any:
    """Multiply one row of tiles with so many tokens, a literal.

    How wide the numbers of the array `places` are says what it is of: masks of every tile across, places of the tiles
    that there are, or bytes of all tiles. The others are addresses, but for `tiles`, their number, `stride`, the bytes
    between two tokens' outputs, and `rows`, a bit for each row that is stored. Quads of `x` lie token by token.
    """
    together, nbytes = tokens.literal_value, places.dtype.bitwidth // 8
    unroll = UNROLL if together == 1 and nbytes != MASK else 1

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, _, place, values, tiles, x, out, stride, row, token, rows = arguments
        ahead = cgutils.alloca_once_value(build, values)
        sums = accumulators(build, together * unroll, WORDS)

        def step(index: Any, copy: int) -> None:
            across, start = index, build.add(values, build.mul(index, constant(TILE)))
            if nbytes == PLACE:
                read_ahead(build, start)
                short = load(build, build.add(place, build.mul(index, constant(PLACE))), SHORT, align=PLACE)
                across = build.zext(short, LONG)
            masked = nbytes == MASK
            tile = _next(build, place, index, ahead) if masked else load(build, start, BYTES, align=1)
            quads = build.add(x, build.mul(across, constant(QUAD * together)))
            for at in range(together):
                to = sums[copy * together + at]
                build.store(dot(build, build.load(to), tile, build.add(quads, constant(QUAD * at))), to)

        loop(build, tiles, unroll, step)
        totals = [add_up(build, sums[at::together], floating=False) for at in range(together)]
        _finish(build, totals, out, stride, row, token, rows)
        return context.get_dummy_value()

    return types.void(tokens, places, *[types.int64] * 9), generate


@compiled
def _group(
    size: Any,
    places: Any,
    place: Any,
    values: Any,
    tiles: Any,
    x: Any,
    out: Any,
    stride: Any,
    row: Any,
    token: Any,
    rows: Any,
) -> None:
    if size == 16:
        _tile(16, places, place, values, tiles, x, out, stride, row, token, rows)
    elif size == 8:
        _tile(8, places, place, values, tiles, x, out, stride, row, token, rows)
    elif size == 4:
        _tile(4, places, place, values, tiles, x, out, stride, row, token, rows)
    else:
        _tile(1, places, place, values, tiles, x, out, stride, row, token, rows)


@intrinsic
def _unpack(typing: Any, masks: Any, values: Any, tiles: Any, out: Any) -> Any:
    """Write so many tiles from behind their masks, one behind the other."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        masks, values, tiles, out = arguments
        ahead = cgutils.alloca_once_value(build, values)

        def step(index: Any, copy: int) -> None:
            where = build.add(out, build.mul(index, constant(TILE)))
            build.store(_next(build, masks, index, ahead), pointer(build, where, BYTES), align=4)

        loop(build, tiles, 1, step)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@compiled
def _block_rows(
    first: Any,
    last: Any,
    groups: Any,
    starts: Any,
    places: Any,
    values: Any,
    x: Any,
    token: Any,
    row: Any,
    out: Any,
    across: Any,
) -> None:
    """Multiply the rows of tiles from `first` to before `last`."""
    rows = out.shape[1]
    done = 0
    for size in groups:  # outside, so that a group stays in the cache while the weight goes by
        here, scale = x.ctypes.data + done * across * QUAD, token.ctypes.data + 4 * done
        for down in range(first, last):
            keep = (1 << min(LANES, rows - down * LANES)) - 1
            to = out.ctypes.data + 4 * (done * rows + LANES * down)
            place, start = places.ctypes.data + PLACE * starts[down], values.ctypes.data + TILE * starts[down]
            tiles = starts[down + 1] - starts[down]
            _group(size, places, place, start, tiles, here, to, 4 * rows, row[down].ctypes.data, scale, keep)
        done += size


@compiled
def _mask_rows(
    first: Any,
    last: Any,
    groups: Any,
    starts: Any,
    masks: Any,
    values: Any,
    x: Any,
    token: Any,
    row: Any,
    out: Any,
    across: Any,
) -> None:
    """Multiply tiles behind masks (down * across) in the same way; for several groups each row is unpacked once."""
    rows = out.shape[1]
    whole = np.empty(across * TILE if len(groups) > 1 else 0, np.uint8)
    for down in range(first, last):
        place, start = masks.ctypes.data + MASK * down * across, values.ctypes.data + starts[down]
        if len(groups) > 1:
            _unpack(place, start, across, whole.ctypes.data)
        at, keep = row[down].ctypes.data, (1 << min(LANES, rows - down * LANES)) - 1
        done = 0
        for size in groups:
            here, scale = x.ctypes.data + done * across * QUAD, token.ctypes.data + 4 * done
            to = out.ctypes.data + 4 * (done * rows + LANES * down)
            if len(groups) > 1:
                _group(size, whole, 0, whole.ctypes.data, across, here, to, 4 * rows, at, scale, keep)
            else:
                _group(size, masks, place, start, across, here, to, 4 * rows, at, scale, keep)
            done += size


@compiled
def multiply_part(part: Any, parts: Any, groups: Any, starts: Any, places: Any, *others: Any) -> None:
    """Multiply one of so many parts of the rows, as `multiply` does: for functions that are compiled."""
    first, last = share(part, parts, len(starts) - 1)
    if places.itemsize == MASK:
        _mask_rows(first, last, groups, starts, places, *others)
    else:
        _block_rows(first, last, groups, starts, places, *others)


@shared
def _parts(threads: Any, *arguments: Any) -> None:
    for part in prange(threads):
        multiply_part(part, threads, *arguments)


def multiply(
    groups: Any,
    starts: Any,
    places: Any,
    values: Any,
    x: Any,
    token: Any,
    row: Any,
    out: Any,
    across: Any,
    *,
    threads: int = 1,
) -> None:
    """Multiply a packed weight with quantized tokens (`secateur.runtime.quantize`): `out` is (tokens, rows).

    `places` are masks, 64 bits each, or 16-bit places of tiles, of which there are so many `across`; `row` is what
    `_finish` needs of every 16 rows: (down, 48). Rows are shared among so many `threads`.
    """
    arguments = groups, starts, places, values, x, token, row, out, across
    in_parts(threads, multiply_part, _parts, arguments)
