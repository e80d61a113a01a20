"""Kernels of floating point values behind masks, with activations as they are."""

from typing import Any, Final

from numba import prange
from numba.core import cgutils, types

from secateur.runtime.compiled import compiled, shared
from secateur.runtime.expand import expand
from secateur.runtime.floats import UNROLL, add_columns, columns_of, finish
from secateur.runtime.threads import in_parts, share
from secateur.runtime.vectors import (
    FLOATS,
    LANES,
    SHORTS,
    WORDS,
    accumulators,
    constant,
    intrinsic,
    loop,
    read_ahead,
)

KINDS: Final = {32: (WORDS, 1), 16: (SHORTS, 2)}
"""Bits of a value -> a tile of such values, and how many columns it has."""


@intrinsic(prefer_literal=True)
def _tiles(
    typing: Any,
    tokens: Any,
    kind: Any,
    masks: Any,
    values: Any,
    tiles: Any,
    x: Any,
    out: Any,
    stride: Any,
    row: Any,
    rows: Any,
) -> Any:
    """Multiply one row of tiles with so many tokens, a literal.

    The type of the array `kind` says what values are. The others are addresses, but for `tiles`, their number,
    `stride`, the bytes between two tokens' outputs, and `rows`, a bit for each row that is stored. Of `x` features lie
    one behind the other, in each token by token.
    """
    together = tokens.literal_value
    tile, width = KINDS[kind.dtype.bitwidth]
    unroll = UNROLL if together == 1 else 1

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, _, masks, values, tiles, x, out, stride, row, rows = arguments
        ahead = cgutils.alloca_once_value(build, values)
        sums = accumulators(build, together * unroll, FLOATS)

        def step(index: Any, copy: int) -> None:
            start = build.load(ahead)
            read_ahead(build, start)
            found, taken = expand(build, build.add(masks, build.mul(index, constant(tile.count // 8))), start, tile)
            build.store(build.add(start, taken), ahead)
            first = build.add(x, build.mul(index, constant(4 * together * width)))
            add_columns(build, columns_of(build, found), first, sums[copy * together : (copy + 1) * together])

        loop(build, tiles, unroll, step)
        finish(build, sums, together, out, stride, row, rows)
        return context.get_dummy_value()

    return types.void(tokens, kind, *[types.int64] * 8), generate


@compiled
def _part(part: Any, parts: Any, sizes: Any, starts: Any, masks: Any, values: Any, x: Any, row: Any, out: Any) -> None:
    tokens, rows = out.shape
    features, across = x.size // tokens, masks.shape[1]
    first, last = share(part, parts, len(starts) - 1)
    done = 0
    for group in sizes:  # outside, so that a group stays in the cache while the weight goes by
        here = x.ctypes.data + 4 * done * features
        for down in range(first, last):
            at, keep = row[down].ctypes.data, (1 << min(LANES, rows - down * LANES)) - 1
            mask, start = masks[down].ctypes.data, values.ctypes.data + values.itemsize * starts[down]
            to = out.ctypes.data + 4 * (done * rows + LANES * down)
            if group == 16:
                _tiles(16, values, mask, start, across, here, to, 4 * rows, at, keep)
            elif group == 8:
                _tiles(8, values, mask, start, across, here, to, 4 * rows, at, keep)
            elif group == 4:
                _tiles(4, values, mask, start, across, here, to, 4 * rows, at, keep)
            else:
                _tiles(1, values, mask, start, across, here, to, 4 * rows, at, keep)
        done += group


@shared
def _parts(threads: Any, *arguments: Any) -> None:
    for part in prange(threads):
        _part(part, threads, *arguments)


def multiply(sizes: Any, starts: Any, masks: Any, values: Any, x: Any, row: Any, out: Any, *, threads: int = 1) -> None:
    """Multiply a packed weight with arranged tokens (`secateur.runtime.floats.arrange`): `out` is (tokens, rows).

    `masks` are (down, across); `row` has scales, nothing and biases of 16 rows: (down, 48). Rows are shared among so
    many `threads`.
    """
    arguments = sizes, starts, masks, values, x, row, out
    in_parts(threads, _part, _parts, arguments)
