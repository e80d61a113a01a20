"""Tiles from behind their masks: the next of the values wherever a mask has a bit, else 0."""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils

from secateur.runtime.vectors import (
    BIT,
    BYTE,
    BYTES,
    INT,
    LEVEL,
    LONG,
    SHORTS,
    WORDS,
    call,
    constant,
    in_halves,
    load,
    side_by_side,
)

INSTRUCTIONS: Final = {"vnni": (BYTES, SHORTS, WORDS), "avx512": (WORDS,), "avx2": (), "portable": ()}
"""Level -> the tiles that expand in one instruction."""

NONE: Final = 128
"""Of a table: what makes a shuffle write 0."""

ENTRY: Final = 16
"""Bytes of an entry of a table, of which there is one for each byte that a mask may have."""


def expand(build: Any, place: Any, values: Any, kind: Any) -> tuple[Any, Any]:
    """Return a tile of 512 bits, and how many bytes of values it took.

    `kind` is a vector of as many numbers as the mask has bits; `place`, of the mask, and `values` are addresses. 64
    bytes can be read from wherever values end.
    """
    mask = load(build, place, ir.IntType(kind.count), align=kind.count // 8)
    kept = build.mul(_count(build, mask), constant(kind.element.width // 8))
    if kind in INSTRUCTIONS[LEVEL]:
        return _at_once(build, mask, values, kind), kept
    if LEVEL == "portable":
        return _one_by_one(build, mask, values, kind), kept
    pieces = {BYTES: _sixteen_bytes, SHORTS: _eight_shorts, WORDS: _eight_words}[kind]
    return build.bitcast(pieces(build, mask, values, _entries(build, place, mask)), kind), kept


def _count(build: Any, mask: Any) -> Any:
    """Return how many bits a mask has."""
    return _long(build, call(build, f"llvm.ctpop.i{mask.type.width}", mask.type, mask))


def _at_once(build: Any, mask: Any, values: Any, kind: Any) -> Any:
    bits = build.bitcast(mask, ir.VectorType(BIT, kind.count))
    name = f"llvm.x86.avx512.mask.expand.v{kind.count}i{kind.element.width}"
    loaded = _apart(build, load(build, values, kind, align=1))
    return call(build, name, kind, loaded, ir.Constant(kind, None), bits)


def _apart(build: Any, loaded: Any) -> Any:
    """Keep a load apart from what uses it: as one instruction with the expansion it is microcoded on Zen 4."""
    asm = ir.InlineAsm(ir.FunctionType(loaded.type, [loaded.type]), "", "=v,0", side_effect=False)
    return build.call(asm, [loaded])


def _one_by_one(build: Any, mask: Any, values: Any, kind: Any) -> Any:
    tile, zero, size = ir.Constant(kind, None), ir.Constant(kind.element, 0), kind.element.width // 8
    for lane in range(kind.count):
        bit = build.trunc(build.lshr(mask, ir.Constant(mask.type, lane)), BIT)
        value = build.select(bit, load(build, values, kind.element, align=1), zero)
        tile = build.insert_element(tile, value, ir.Constant(INT, lane))
        values = build.select(bit, build.add(values, constant(size)), values)
    return tile


def _sixteen_bytes(build: Any, mask: Any, values: Any, entries: list[Any]) -> Any:
    """Shuffle 16 values at a time, by two tables: what the lower eight bits say of all places, and the upper of theirs.

    A place among the upper eight lies as many values further as the lower have bits.
    """
    lower = _table(build, "lower", lambda byte: [*_order(byte), *[byte.bit_count()] * 8])
    upper = _table(build, "upper", lambda byte: [*[0] * 8, *_order(byte)])
    pairs = zip(entries[::2], entries[1::2], strict=True)
    orders = [build.add(_load_entry(build, lower, one), _load_entry(build, upper, other)) for one, other in pairs]
    return _shuffled(build, mask, values, orders)


def _eight_shorts(build: Any, mask: Any, values: Any, entries: list[Any]) -> Any:
    table = _table(build, "shorts", lambda byte: [part for place in _order(byte) for part in _of_short(place)])
    return _shuffled(build, mask, values, [_load_entry(build, table, entry) for entry in entries])


def _of_short(place: int) -> tuple[int, int]:
    return (NONE, NONE) if place == NONE else (2 * place, 2 * place + 1)


def _shuffled(build: Any, mask: Any, values: Any, orders: list[Any]) -> Any:
    """Shuffle pieces of 16 bytes, each beginning where the values before it end."""
    bits = mask.type.width // len(orders)
    loaded = [
        load(build, _ahead(build, mask, piece * bits, values, ENTRY // bits), order.type, align=1)
        for piece, order in enumerate(orders)
    ]
    tiles = (side_by_side(build, vectors) for vectors in (loaded, orders))
    return in_halves(build, "llvm.x86.avx2.pshuf.b", BYTES, *tiles)


def _eight_words(build: Any, mask: Any, values: Any, entries: list[Any]) -> Any:
    kind = ir.VectorType(INT, 8)
    table = _table(build, "words", lambda byte: [*_order(byte), *[0] * 8])
    found: list[Any] = []
    for piece, entry in enumerate(entries):
        order = build.sext(load(build, build.add(table, entry), ir.VectorType(BYTE, 8), align=8), kind)
        loaded = load(build, _ahead(build, mask, 8 * piece, values, 4), kind, align=1)
        moved = call(build, "llvm.x86.avx2.permd", kind, loaded, order)
        none = build.icmp_signed("<", order, ir.Constant(kind, None))
        found.append(build.select(none, ir.Constant(kind, None), moved))
    return side_by_side(build, found)


def _order(byte: int) -> list[int]:
    """List which of the next values each of eight places takes.

    >>> _order(0b101)
    [0, 128, 1, 128, 128, 128, 128, 128]
    """
    return [(byte & ((1 << bit) - 1)).bit_count() if byte >> bit & 1 else NONE for bit in range(8)]


def _entries(build: Any, place: Any, mask: Any) -> list[Any]:
    """Return the bytes of a mask times `ENTRY`. They are loaded anew, which is faster than to shift them out of it."""
    asm = ir.InlineAsm(ir.FunctionType(LONG, [LONG]), "", "=r,0", side_effect=False)
    again = build.call(asm, [place])  # hides that it is the same address
    found = (build.zext(load(build, again, BYTE, at, align=1), LONG) for at in range(mask.type.width // 8))
    return [build.mul(byte, constant(ENTRY)) for byte in found]


def _load_entry(build: Any, table: Any, entry: Any) -> Any:
    return load(build, build.add(table, entry), ir.VectorType(BYTE, ENTRY), align=ENTRY)


def _ahead(build: Any, mask: Any, piece: int, values: Any, size: int) -> Any:
    """Return the address of the first value behind those of so many bits."""
    if not piece:
        return values
    before = _count(build, build.and_(mask, ir.Constant(mask.type, (1 << piece) - 1)))
    return build.add(values, build.mul(before, constant(size)))


def _long(build: Any, value: Any) -> Any:
    return value if value.type == LONG else build.zext(value, LONG)


def _table(build: Any, name: str, row: Callable[[int], list[int]]) -> Any:
    """Return the address of a table of bytes, one for all that is compiled together: the cache holds more beside it."""
    name = f"secateur.{name}"
    table: Any = build.module.globals.get(name)
    if table is None:
        flat = bytearray(number for byte in range(256) for number in row(byte))
        table = cgutils.global_constant(build, name, ir.Constant(ir.ArrayType(BYTE, len(flat)), flat))
        table.align = ENTRY
    return build.ptrtoint(table, LONG)
