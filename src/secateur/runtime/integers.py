"""Kernels of integer weights and activations: tiles of 16 rows and 4 columns, whole or behind a mask."""

from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils, types

from secateur.runtime.compiled import compiled
from secateur.runtime.quantize import QUAD
from secateur.runtime.vectors import (
    BIT,
    BYTE,
    BYTES,
    FLOAT,
    FLOATS,
    INT,
    LANES,
    LEVEL,
    LONG,
    SHORT,
    SHORTS,
    WORDS,
    accumulators,
    add_up,
    call,
    constant,
    intrinsic,
    load,
    loop,
    multiply_add,
    splat,
    store_rows,
)

TILE: Final = 64
"""Bytes of a tile."""

UNROLL: Final = 4
"""Tiles in flight for a single token, whose sum would else wait for itself."""


def _dot(build: Any, to: Any, tile: Any, quad: Any) -> Any:
    """Return to + the sums over four columns of tile * quad, a 32-bit sum per row."""
    if LEVEL == "vnni":
        every = splat(build, load(build, quad, INT), WORDS)
        return call(build, "llvm.x86.avx512.vpdpbusd.512", WORDS, to, every, build.bitcast(tile, WORDS))
    pairs = build.bitcast(tile, SHORTS)
    eight = ir.Constant(SHORTS, [8] * SHORTS.count)
    even, odd = build.ashr(build.shl(pairs, eight), eight), build.ashr(pairs, eight)
    for half, offset in ((even, 0), (odd, 4)):
        every = build.bitcast(splat(build, load(build, quad, INT, offset), WORDS), SHORTS)
        to = build.add(to, _pairs(build, half, every))
    return to


def _pairs(build: Any, one: Any, other: Any) -> Any:
    """Return sums of neighbours of one * other: what `pmaddwd` does, where there is one."""
    wide = ir.VectorType(INT, SHORTS.count)
    products = build.mul(build.sext(one, wide), build.sext(other, wide))
    halves = [
        build.shuffle_vector(
            products, ir.Constant(wide, ir.Undefined), ir.Constant(WORDS, list(range(at, 2 * LANES, 2)))
        )
        for at in (0, 1)
    ]
    return build.add(*halves)


def _expand(build: Any, mask: Any, values: Any) -> Any:
    """Return a tile: the next of the values wherever the mask has a bit, else 0."""
    if LEVEL == "vnni":
        bits = build.bitcast(mask, ir.VectorType(BIT, BYTES.count))
        loaded = _apart(build, load(build, values, BYTES, align=1))
        return call(build, "llvm.x86.avx512.mask.expand.v64i8", BYTES, loaded, ir.Constant(BYTES, None), bits)
    tile = ir.Constant(ir.VectorType(LONG, 8), ir.Undefined)
    for byte in range(8):
        eight = build.and_(build.lshr(mask, constant(8 * byte)), constant(255))
        tile = build.insert_element(tile, _expand_eight(build, eight, values), ir.Constant(INT, byte))
        values = build.add(values, call(build, "llvm.ctpop.i64", LONG, eight))
    return build.bitcast(tile, BYTES)


def _apart(build: Any, loaded: Any) -> Any:
    """Keep a load apart from what uses it: as one instruction with the expansion it is microcoded on Zen 4."""
    asm = ir.InlineAsm(ir.FunctionType(loaded.type, [loaded.type]), "", "=v,0", side_effect=False)
    return build.call(asm, [loaded])


def _expand_eight(build: Any, mask: Any, values: Any) -> Any:
    """Return eight bytes: the next values wherever eight bits say, else 0."""
    loaded = load(build, values, LONG, align=1)
    if LEVEL != "portable":
        table = build.ptrtoint(_table(build), LONG)
        order = load(build, build.add(table, build.shl(mask, constant(3))), LONG)
        sixteen, two = ir.VectorType(BYTE, 16), ir.VectorType(LONG, 2)
        wide = [build.insert_element(ir.Constant(two, None), one, ir.Constant(INT, 0)) for one in (loaded, order)]
        found = call(build, "llvm.x86.ssse3.pshuf.b.128", sixteen, *(build.bitcast(one, sixteen) for one in wide))
        return build.extract_element(build.bitcast(found, two), ir.Constant(INT, 0))
    found = constant(0)
    for bit in range(8):
        there = build.and_(build.lshr(mask, constant(bit)), constant(1))
        found = build.or_(found, build.shl(build.mul(build.and_(loaded, constant(255)), there), constant(8 * bit)))
        loaded = build.lshr(loaded, build.shl(there, constant(3)))
    return found


def _table(build: Any) -> Any:
    """Return a table of 256 orders: which of the next eight values each of eight bytes is; 128 is none."""
    rows = [
        [bin(mask & ((1 << bit) - 1)).count("1") if mask >> bit & 1 else 128 for bit in range(8)] for mask in range(256)
    ]
    flat = [place for row in rows for place in row]
    kind = ir.ArrayType(BYTE, len(flat))
    return cgutils.global_constant(build, "secateur.orders", ir.Constant(kind, bytearray(flat)))


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


@intrinsic(prefer_literal=True)
def _tile(
    typing: Any,
    tokens: Any,
    places: Any,
    place: Any,
    values: Any,
    count: Any,
    x: Any,
    out: Any,
    stride: Any,
    row: Any,
    token: Any,
    rows: Any,
) -> Any:
    """Multiply one row of tiles with so many tokens, a literal.

    The type of the array `places` says what it is of: masks of 64 bits for every tile across, or 16-bit places of the
    tiles that there are. The others are addresses, but for `count`, of tiles, `stride`, the bytes between two tokens'
    outputs, and `rows`, a bit for each row that is stored. Quads of `x` lie token by token.
    """
    together, masked = tokens.literal_value, places.dtype.bitwidth == 64
    unroll = UNROLL if together == 1 else 1

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, _, place, values, count, x, out, stride, row, token, rows = arguments
        ahead = cgutils.alloca_once_value(build, values)
        sums = accumulators(build, together * unroll, WORDS)

        def step(index: Any, copy: int) -> None:
            if masked:
                mask = load(build, build.add(place, build.shl(index, constant(3))), LONG, align=8)
                start = build.load(ahead)
                tile, across = _expand(build, mask, start), index
                build.store(build.add(start, call(build, "llvm.ctpop.i64", LONG, mask)), ahead)
            else:
                short = load(build, build.add(place, build.shl(index, constant(1))), SHORT, align=2)
                across = build.zext(short, LONG)
                tile = load(build, build.add(values, build.mul(index, constant(TILE))), BYTES, align=1)
            quads = build.add(x, build.mul(across, constant(QUAD * together)))
            for at in range(together):
                to = sums[copy * together + at]
                quad = build.add(quads, constant(QUAD * at))
                build.store(_dot(build, build.load(to), tile, quad), to)

        loop(build, count, unroll, step)
        totals = [add_up(build, sums[at::together], floating=False) for at in range(together)]
        _finish(build, totals, out, stride, row, token, rows)
        return context.get_dummy_value()

    return types.void(tokens, places, *[types.int64] * 9), generate


@compiled
def multiply(
    groups: Any, starts: Any, places: Any, values: Any, x: Any, token: Any, row: Any, out: Any, across: Any
) -> None:
    """Multiply a packed weight with quantized tokens (`secateur.runtime.quantize`): `out` is (tokens, rows).

    `places` are masks, 64 bits each, or 16-bit places of tiles, of which there are so many `across`; `row` is what
    `_finish` needs of every 16 rows: (down, 48).
    """
    rows = out.shape[1]
    done = 0
    for size in groups:  # outside, so that a group stays in the cache while the weight goes by
        here, scale = x.ctypes.data + done * across * QUAD, token.ctypes.data + 4 * done
        for down in range(len(starts) - 1):
            at, keep = row[down].ctypes.data, (1 << min(LANES, rows - down * LANES)) - 1
            to = out.ctypes.data + 4 * (done * rows + LANES * down)
            if places.itemsize == 8:
                place, start, count = places.ctypes.data + 8 * down * across, values.ctypes.data + starts[down], across
            else:
                place, start = places.ctypes.data + 2 * starts[down], values.ctypes.data + TILE * starts[down]
                count = starts[down + 1] - starts[down]
            if size == 16:
                _tile(16, places, place, start, count, here, to, 4 * rows, at, scale, keep)
            elif size == 8:
                _tile(8, places, place, start, count, here, to, 4 * rows, at, scale, keep)
            elif size == 4:
                _tile(4, places, place, start, count, here, to, 4 * rows, at, scale, keep)
            else:
                _tile(1, places, place, start, count, here, to, 4 * rows, at, scale, keep)
        done += size
