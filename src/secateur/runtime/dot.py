"""Sums over four columns of integers: a tile of 16 rows times four activations."""

from typing import Any

from llvmlite import ir

from secateur.runtime.vectors import (
    BIT,
    BYTES,
    INT,
    LANES,
    LEVEL,
    SHORTS,
    WORDS,
    call,
    in_halves,
    load,
    splat,
)


def dot(build: Any, to: Any, tile: Any, quad: Any) -> Any:
    """Return to + the sums over four columns of tile * quad, a 32-bit sum per row."""
    every = splat(build, load(build, quad, INT), WORDS)
    if LEVEL == "vnni":
        return call(build, "llvm.x86.avx512.vpdpbusd.512", WORDS, to, every, build.bitcast(tile, WORDS))
    if LEVEL == "portable":
        return _dot_in_shorts(build, to, tile, every)
    return build.add(to, _words(build, _shorts(build, tile, build.bitcast(every, BYTES))))


def _shorts(build: Any, tile: Any, every: Any) -> Any:
    """Return the sums of two neighbours of tile * every: at most 2 * 127 * 127, which 16 bits hold.

    The instruction multiplies unsigned with signed bytes, so the weight's sign moves to the activation.
    """
    size = call(build, "llvm.abs.v64i8", BYTES, tile, ir.Constant(BIT, 0))
    if LEVEL == "avx512":
        zero = ir.Constant(BYTES, None)
        signed = build.select(build.icmp_signed("<", tile, zero), build.sub(zero, every), every)
        return call(build, "llvm.x86.avx512.pmaddubs.w.512", SHORTS, size, signed)
    signed = in_halves(build, "llvm.x86.avx2.psign.b", BYTES, every, tile)
    return in_halves(build, "llvm.x86.avx2.pmadd.ub.sw", SHORTS, size, signed)


def _words(build: Any, shorts: Any) -> Any:
    """Return sums of two neighbours, of 32 bits."""
    ones = ir.Constant(SHORTS, [1] * SHORTS.count)
    if LEVEL == "avx512":
        return call(build, "llvm.x86.avx512.pmaddw.d.512", WORDS, shorts, ones)
    return in_halves(build, "llvm.x86.avx2.pmadd.wd", WORDS, shorts, ones)


def _dot_in_shorts(build: Any, to: Any, tile: Any, every: Any) -> Any:
    """Do it in 16-bit pairs, columns 0 and 2 and columns 1 and 3, without instructions by name."""
    tile, every = (build.bitcast(one, SHORTS) for one in (tile, every))
    eight = ir.Constant(SHORTS, [8] * SHORTS.count)
    for half in (lambda pairs: build.ashr(build.shl(pairs, eight), eight), lambda pairs: build.ashr(pairs, eight)):
        to = build.add(to, _pairs(build, half(tile), half(every)))
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
