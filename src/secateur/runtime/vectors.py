"""Vector instructions for numba: what kernels are put together from, written as LLVM's intermediate language."""

import os
from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import extending
from numba.core import cgutils

from secateur.runtime.compiled import settings
from secateur.runtime.cpu import CHOICE, NAMES, level

LEVEL: Final = level()
intrinsic: Any = extending.intrinsic
if CHOICE in os.environ and LEVEL in NAMES:
    settings.CPU_NAME, settings.CPU_FEATURES = NAMES[LEVEL], ""  # before numba compiles its first function
BYTE, SHORT, INT, LONG, BIT = (ir.IntType(bits) for bits in (8, 16, 32, 64, 1))
FLOAT = ir.FloatType()

LANES: Final = 16
"""Rows of a tile: one 32-bit lane each."""

ROUNDER: Final = 12582912.0
"""1.5 * 2^23: added to a number below 2^22, it leaves the nearest integer in the lowest bits."""

AHEAD: Final = 4096
"""Bytes between what is read and what is asked for: where a page ends, processors stop guessing what comes next.

Of 512 to 16384, measured on Sapphire Rapids with weights that no cache held, the shortest that was among the fastest.
"""

WORDS, FLOATS, BYTES, SHORTS = (
    ir.VectorType(INT, LANES),
    ir.VectorType(FLOAT, LANES),
    ir.VectorType(BYTE, 4 * LANES),
    ir.VectorType(SHORT, 2 * LANES),
)


def constant(value: int) -> Any:
    """Return an integer of 64 bits."""
    return ir.Constant(LONG, value)


def pointer(build: Any, address: Any, kind: Any, offset: int = 0) -> Any:
    """Return where `offset` bytes behind an address something of a type lies."""
    return build.inttoptr(build.add(address, constant(offset)) if offset else address, kind.as_pointer())


def load(build: Any, address: Any, kind: Any, offset: int = 0, *, align: int = 4) -> Any:
    """Load a value."""
    return build.load(pointer(build, address, kind, offset), align=align)


def splat(build: Any, value: Any, kind: Any) -> Any:
    """Put a value into every lane."""
    one = build.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(INT, 0))
    return build.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(INT, kind.count), None))


def read_ahead(build: Any, address: Any) -> None:
    """Ask for the cache line that is read soon, if there is one; it costs nothing where there is none."""
    where = build.inttoptr(build.add(address, constant(AHEAD)), BYTE.as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [where.type, INT, INT, INT])
    name = "llvm.prefetch.p0" if where.type.is_opaque else "llvm.prefetch.p0i8"
    how = [ir.Constant(INT, number) for number in (0, 3, 1)]  # a read, of data, to be kept
    build.call(cgutils.get_or_insert_function(build.module, kind, name), [where, *how])


def every(value: float) -> Any:
    """Return a vector that holds a number in every lane."""
    return ir.Constant(FLOATS, [value] * LANES)


def call(build: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Call an intrinsic of LLVM."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return build.call(cgutils.get_or_insert_function(build.module, kind, name), arguments)


def in_halves(build: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Call an intrinsic of 256 bits for both halves of 512."""
    found: list[Any] = []
    for first in (0, 1):
        halves = [_half(build, argument, first) for argument in arguments]
        found.append(call(build, name, ir.VectorType(result.element, result.count // 2), *halves))
    return side_by_side(build, found)


def _half(build: Any, whole: Any, which: int) -> Any:
    count = whole.type.count // 2
    order = ir.Constant(ir.VectorType(INT, count), list(range(count * which, count * which + count)))
    return build.shuffle_vector(whole, ir.Constant(whole.type, ir.Undefined), order)


def side_by_side(build: Any, vectors: list[Any]) -> Any:
    """Join vectors of one type, two by two."""
    while len(vectors) > 1:
        order = ir.Constant(ir.VectorType(INT, 2 * vectors[0].type.count), list(range(2 * vectors[0].type.count)))
        vectors = [
            build.shuffle_vector(one, other, order) for one, other in zip(vectors[::2], vectors[1::2], strict=True)
        ]
    return vectors[0]


def multiply_add(build: Any, one: Any, other: Any, to: Any) -> Any:
    """Return one * other + to, rounded once where the processor can, else twice."""
    if LEVEL == "portable":
        return build.fadd(build.fmul(one, other), to)
    return call(build, "llvm.fma.v16f32", FLOATS, one, other, to)


def accumulators(build: Any, count: int, kind: Any) -> list[Any]:
    """Return so many vectors of zeros, in registers."""
    found = [cgutils.alloca_once(build, kind) for _ in range(count)]
    for one in found:
        build.store(ir.Constant(kind, None), one)
    return found


def loop(build: Any, count: Any, unroll: int, body: Callable[[Any, int], None]) -> None:
    """Call ``body(index, copy)`` for every index below `count`, `unroll` copies side by side, the rest as copy 0."""
    rounds = build.udiv(count, constant(unroll))
    with cgutils.for_range(build, rounds) as each:
        for copy in range(unroll):
            body(build.add(build.mul(each.index, constant(unroll)), constant(copy)), copy)
    if unroll > 1:
        done = build.mul(rounds, constant(unroll))
        with cgutils.for_range(build, build.sub(count, done)) as each:
            body(build.add(done, each.index), 0)


def add_up(build: Any, accumulated: list[Any], *, floating: bool) -> Any:
    """Return the sum of accumulators."""
    total = build.load(accumulated[0])
    for one in accumulated[1:]:
        total = (build.fadd if floating else build.add)(total, build.load(one))
    return total


def along(build: Any, count: Any, unroll: int, body: Callable[[Any, int, Any], None]) -> None:
    """Call ``body(offset, copy, keep)`` for every 16 of so many floats, at `offset` bytes.

    `keep` is None where all 16 are there; of the last ones, it has a bit for each that is.
    """
    whole, rest = build.lshr(count, constant(4)), build.and_(count, constant(LANES - 1))
    loop(build, whole, unroll, lambda index, copy: body(build.shl(index, constant(6)), copy, None))
    with build.if_then(build.icmp_unsigned("!=", rest, constant(0))):
        body(build.shl(whole, constant(6)), 0, first_lanes(build, rest))


def first_lanes(build: Any, count: Any) -> Any:
    """Return a mask of the first so many lanes, fewer than all of them."""
    bits = build.sub(build.shl(constant(1), count), constant(1))
    return build.bitcast(build.trunc(bits, SHORT), ir.VectorType(BIT, LANES))


def read(build: Any, address: Any, offset: Any, keep: Any = None) -> Any:
    """Load 16 floats; those that are not kept are zero."""
    where = pointer(build, build.add(address, offset), FLOATS)
    if keep is None:
        return build.load(where, align=4)
    name = f"llvm.masked.load.v16f32.{_suffix(where)}"
    return call(build, name, FLOATS, where, ir.Constant(INT, 4), keep, ir.Constant(FLOATS, None))


def write(build: Any, value: Any, address: Any, offset: Any, keep: Any = None) -> None:
    """Store 16 floats, or those that are kept."""
    where = pointer(build, build.add(address, offset), FLOATS)
    if keep is None:
        build.store(value, where, align=4)
        return
    kind = ir.FunctionType(ir.VoidType(), [FLOATS, where.type, INT, keep.type])
    function = cgutils.get_or_insert_function(build.module, kind, f"llvm.masked.store.v16f32.{_suffix(where)}")
    build.call(function, [value, where, ir.Constant(INT, 4), keep])


def store_rows(build: Any, value: Any, address: Any, rows: Any) -> None:
    """Store the lanes of a vector that `rows`, 16 bits, says."""
    mask = build.bitcast(build.trunc(rows, SHORT), ir.VectorType(BIT, LANES))
    write(build, value, address, constant(0), mask)


def _suffix(where: Any) -> str:
    return "p0" if where.type.is_opaque else "p0v16f32"


def transposed(build: Any, rows: list[Any]) -> list[Any]:
    """Return 16 vectors of 16 lanes with rows and lanes exchanged."""
    for apart in (1, 2, 4, 8):
        low = [lane if not lane & apart else LANES + lane - apart for lane in range(LANES)]
        high = [lane + apart if not lane & apart else LANES + lane for lane in range(LANES)]
        found = list(rows)
        for at in (at for at in range(LANES) if not at & apart):
            for to, order in ((at, low), (at + apart, high)):
                found[to] = build.shuffle_vector(rows[at], rows[at + apart], ir.Constant(WORDS, order))
        rows = found
    return rows


def largest_lane(build: Any, values: Any) -> Any:
    """Return the largest of 16 lanes."""
    return _folded(build, values, lambda one, other: build.select(build.fcmp_ordered(">", one, other), one, other))


def sum_of_lanes(build: Any, values: Any) -> Any:
    """Return the sum of 16 lanes."""
    return _folded(build, values, build.fadd)


def _folded(build: Any, values: Any, together: Callable[[Any, Any], Any]) -> Any:
    for apart in (8, 4, 2, 1):
        order = [(lane + apart) % LANES for lane in range(LANES)]
        other = build.shuffle_vector(values, ir.Constant(FLOATS, ir.Undefined), ir.Constant(WORDS, order))
        values = together(values, other)
    return build.extract_element(values, ir.Constant(INT, 0))
