"""Tiles from behind their masks: the next of the values wherever a mask has a bit, else 0."""

from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils

from secateur.runtime.vectors import BIT, BYTE, BYTES, INT, LEVEL, LONG, SHORTS, WORDS, call, constant, load

INSTRUCTIONS: Final = {"vnni": (BYTES, SHORTS, WORDS), "avx512": (WORDS,), "avx2": (), "portable": ()}
"""Level -> the tiles that expand in one instruction."""

NONE: Final = 128
"""Of a table: what makes a shuffle write 0."""


def expand(build: Any, mask: Any, values: Any, kind: Any) -> Any:
    """Return a tile of 512 bits: `kind` is a vector of as many numbers as the mask has bits, `values` an address.

    64 bytes can be read from wherever values end.
    """
    if kind in INSTRUCTIONS[LEVEL]:
        return _at_once(build, mask, values, kind)
    if LEVEL == "portable":
        return _one_by_one(build, mask, values, kind)
    pieces = {BYTES: _sixteen_bytes, SHORTS: _eight_shorts, WORDS: _eight_words}[kind]
    return build.bitcast(_side_by_side(build, pieces(build, mask, values)), kind)


def count(build: Any, mask: Any) -> Any:
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


def _sixteen_bytes(build: Any, mask: Any, values: Any) -> list[Any]:
    """Shuffle 16 values at a time, by two tables: what the lower eight bits say of all places, and the upper of theirs.

    A place among the upper eight lies as many values further as the lower have bits.
    """
    kind = ir.VectorType(BYTE, 16)
    lower = _table(build, "lower", [[*_order(byte), *[byte.bit_count()] * 8] for byte in range(256)])
    upper = _table(build, "upper", [[*[0] * 8, *_order(byte)] for byte in range(256)])
    found: list[Any] = []
    for piece in range(0, 64, 16):
        one, other = (_entry(build, mask, at, table, kind) for at, table in ((piece, lower), (piece + 8, upper)))
        loaded = load(build, _ahead(build, mask, piece, values, 1), kind, align=1)
        found.append((loaded, build.add(one, other)))
    return _shuffled(build, found)


def _eight_shorts(build: Any, mask: Any, values: Any) -> list[Any]:
    kind = ir.VectorType(BYTE, 16)
    rows = [[byte for place in _order(eight) for byte in _of_short(place)] for eight in range(256)]
    table = _table(build, "shorts", rows)
    found: list[Any] = []
    for piece in range(0, 32, 8):
        loaded = load(build, _ahead(build, mask, piece, values, 2), kind, align=1)
        found.append((loaded, _entry(build, mask, piece, table, kind)))
    return _shuffled(build, found)


def _of_short(place: int) -> tuple[int, int]:
    return (NONE, NONE) if place == NONE else (2 * place, 2 * place + 1)


def _shuffled(build: Any, pieces: list[tuple[Any, Any]]) -> list[Any]:
    """Shuffle pieces of 16 bytes two by two."""
    kind = ir.VectorType(BYTE, 32)
    found: list[Any] = []
    for first, second in zip(pieces[::2], pieces[1::2], strict=True):
        loaded, order = (_side_by_side(build, list(both)) for both in zip(first, second, strict=True))
        found.append(call(build, "llvm.x86.avx2.pshuf.b", kind, loaded, order))
    return found


def _eight_words(build: Any, mask: Any, values: Any) -> list[Any]:
    kind = ir.VectorType(INT, 8)
    table = _table(build, "words", [_order(byte) for byte in range(256)])
    found: list[Any] = []
    for piece in (0, 8):
        order = build.sext(_entry(build, mask, piece, table, ir.VectorType(BYTE, 8)), kind)
        loaded = load(build, _ahead(build, mask, piece, values, 4), kind, align=1)
        moved = call(build, "llvm.x86.avx2.permd", kind, loaded, order)
        none = build.icmp_signed("<", order, ir.Constant(kind, None))
        found.append(build.select(none, ir.Constant(kind, None), moved))
    return found


def _order(mask: int) -> list[int]:
    """List which of the next values each of eight places takes.

    >>> _order(0b101)
    [0, 128, 1, 128, 128, 128, 128, 128]
    """
    return [(mask & ((1 << bit) - 1)).bit_count() if mask >> bit & 1 else NONE for bit in range(8)]


def _entry(build: Any, mask: Any, piece: int, table: Any, kind: Any) -> Any:
    """Load what a table of vectors says of eight bits of a mask."""
    eight = build.and_(_long(build, build.lshr(mask, ir.Constant(mask.type, piece))), constant(255))
    return load(build, build.add(table, build.mul(eight, constant(kind.count))), kind, align=kind.count)


def _ahead(build: Any, mask: Any, piece: int, values: Any, size: int) -> Any:
    """Return the address of the first value behind those of so many bits."""
    if not piece:
        return values
    before = count(build, build.and_(mask, ir.Constant(mask.type, (1 << piece) - 1)))
    return build.add(values, build.mul(before, constant(size)))


def _long(build: Any, value: Any) -> Any:
    return value if value.type == LONG else build.zext(value, LONG)


def _side_by_side(build: Any, vectors: list[Any]) -> Any:
    """Join vectors of one type, two by two."""
    while len(vectors) > 1:
        order = ir.Constant(ir.VectorType(INT, 2 * vectors[0].type.count), list(range(2 * vectors[0].type.count)))
        vectors = [
            build.shuffle_vector(one, other, order) for one, other in zip(vectors[::2], vectors[1::2], strict=True)
        ]
    return vectors[0]


def _table(build: Any, name: str, rows: list[list[int]]) -> Any:
    """Return the address of a table of bytes."""
    flat = bytearray(byte for row in rows for byte in row)
    table = cgutils.global_constant(build, f"secateur.{name}", ir.Constant(ir.ArrayType(BYTE, len(flat)), flat))
    setattr(table, "align", 16)  # noqa: B010 - its type says that there is none
    return build.ptrtoint(table, LONG)
