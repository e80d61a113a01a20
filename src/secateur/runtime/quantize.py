"""Activations as integers, token by token, in the order in which kernels of integers read them."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import prange
from numba.core import types

from secateur.runtime.compiled import compiled, shared
from secateur.runtime.groups import groups, padded
from secateur.runtime.threads import in_parts, share, threads
from secateur.runtime.vectors import (
    BYTE,
    BYTES,
    FLOAT,
    FLOATS,
    INT,
    LANES,
    LEVEL,
    LONG,
    ROUNDER,
    WORDS,
    accumulators,
    call,
    constant,
    every,
    intrinsic,
    load,
    loop,
    pointer,
    splat,
    transposed,
)

OFFSET: Final = 128 if LEVEL == "vnni" else 0
"""What is added to activations: VNNI multiplies unsigned with signed bytes. Rows take it off again, times their sum."""

QUAD: Final = 4
"""Bytes of four activations."""

LARGEST: Final = 127.0

ROUNDED: Final = 20
"""Tokens whose products with as many bytes of weights take as long as rounding those of tokens."""


class Quantized(NamedTuple):
    """Tokens as integers."""

    x: npt.NDArray[np.uint8]
    """Groups of 16, 8, 4 or 1 tokens in turn; of a group quads of features, in each of these token by token."""

    scales: npt.NDArray[np.float32]
    """Per token, what an integer is worth; more of them than tokens where the last group is not full."""


@intrinsic
def _largest(typing: Any, start: Any, count: Any) -> Any:
    """Return the largest absolute value of so many times 16 floats; not a number where one is not finite.

    Without their signs, floats are in the order of their bits, and what is not finite comes last.
    """

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start, count = arguments
        most = accumulators(build, 4, WORDS)

        def step(index: Any, copy: int) -> None:
            bits = load(build, build.add(start, build.shl(index, constant(6))), WORDS)
            size = build.and_(bits, ir.Constant(WORDS, [0x7FFFFFFF] * LANES))
            build.store(call(build, "llvm.umax.v16i32", WORDS, size, build.load(most[copy])), most[copy])

        loop(build, count, 4, step)
        largest = build.load(most[0])
        for one in most[1:]:
            largest = call(build, "llvm.umax.v16i32", WORDS, largest, build.load(one))
        found = build.bitcast(call(build, "llvm.vector.reduce.umax.v16i32", INT, largest), FLOAT)
        return build.fadd(found, build.fsub(found, found))

    return types.float32(types.int64, types.int64), generate


@intrinsic
def _write(typing: Any, start: Any, count: Any, rate: Any, out: Any, apart: Any) -> Any:
    """Round so many times 16 floats times `rate`, and store their quads `apart` bytes from each other."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start, count, rate, out, apart = arguments
        rates = splat(build, rate, FLOATS)

        def step(index: Any, copy: int) -> None:
            values = load(build, build.add(start, build.shl(index, constant(6))), FLOATS)
            bits = build.bitcast(build.fadd(build.fmul(values, rates), every(ROUNDER)), WORDS)
            quads = _quads(build, bits)
            first = build.add(out, build.mul(build.shl(index, constant(2)), apart))
            for at in range(4):
                quad = build.extract_element(quads, ir.Constant(INT, at))
                build.store(quad, pointer(build, build.add(first, build.mul(apart, constant(at))), INT), align=4)

        loop(build, count, 1, step)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float32, types.int64, types.int64), generate


@intrinsic
def _write_group(typing: Any, sources: Any, rates: Any, chunks: Any, out: Any) -> Any:
    """Round 16 tokens, each times its rate, and store so many times 16 quads of all of them, 64 bytes each.

    `sources` are the tokens' addresses. Of four vectors of a token, packing leaves quads in the order 0, 4, 8, 12,
    1, 5 ..., which is that in which they are stored.
    """

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        sources, rates, chunks, out = arguments
        starts = [load(build, sources, LONG, 8 * token, align=8) for token in range(LANES)]
        spread = [splat(build, load(build, rates, FLOAT, 4 * token), FLOATS) for token in range(LANES)]

        def step(index: Any, copy: int) -> None:
            offset, to = build.shl(index, constant(8)), build.add(out, build.shl(index, constant(10)))
            tokens = [
                _packed(build, build.add(start, offset), rate) for start, rate in zip(starts, spread, strict=True)
            ]
            for row, quads in enumerate(transposed(build, tokens)):
                place = 4 * (row % 4) + row // 4
                build.store(quads, pointer(build, to, WORDS, QUAD * LANES * place), align=4)

        loop(build, chunks, 1, step)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


def _packed(build: Any, source: Any, rate: Any) -> Any:
    """Return 64 floats times `rate` as bytes."""
    words = [_nearest(build, build.fmul(load(build, source, FLOATS, 64 * at), rate)) for at in range(4)]
    shorts = ir.VectorType(ir.IntType(16), 2 * LANES)
    halves = [call(build, "llvm.x86.avx512.packssdw.512", shorts, *words[at : at + 2]) for at in (0, 2)]
    narrow = call(build, "llvm.x86.avx512.packsswb.512", BYTES, *halves)
    return build.bitcast(build.xor(narrow, ir.Constant(BYTES, [-OFFSET] * BYTES.count)), WORDS)


def _nearest(build: Any, values: Any) -> Any:
    every_lane, as_it_is = ir.Constant(ir.IntType(16), 0xFFFF), ir.Constant(INT, 4)
    nothing = ir.Constant(WORDS, None)
    return call(build, "llvm.x86.avx512.mask.cvtps2dq.512", WORDS, values, nothing, every_lane, as_it_is)


def _quads(build: Any, bits: Any) -> Any:
    """Return four quads of 16 integers in the lowest bits of words."""
    narrow = build.trunc(bits, ir.VectorType(BYTE, LANES))
    if OFFSET:
        narrow = build.xor(narrow, ir.Constant(narrow.type, [-OFFSET] * LANES))
    return build.bitcast(narrow, ir.VectorType(INT, 4))


if OFFSET:

    @compiled
    def _write_chunks(sources: Any, rates: Any, chunks: Any, out: Any) -> None:
        _write_group(sources.ctypes.data, rates.ctypes.data, chunks, out)
else:

    @compiled
    def _write_chunks(sources: Any, rates: Any, chunks: Any, out: Any) -> None:
        pass


@compiled
def _scale(tokens: Any, token: Any, whole: Any, scales: Any) -> Any:
    """Write what an integer of a token is worth; return how many of them 1 is."""
    largest = _largest(tokens[token].ctypes.data, whole)
    for feature in range(LANES * whole, tokens.shape[1]):
        value = tokens[token, feature]
        largest = max(largest, abs(value)) + (value - value)
    scales[token] = largest / np.float32(LARGEST)
    return np.float32(LARGEST) / largest if largest > 0 else np.float32(0.0)


@compiled
def quantize_part(part: Any, parts: Any, sizes: Any, tokens: Any, x: Any, scales: Any, across: Any) -> None:
    """Round one of so many parts of the groups, as `quantize` does: for functions that are compiled."""
    whole, features = tokens.shape[1] // LANES, tokens.shape[1]
    first, last = share(part, parts, len(sizes))
    done = first * sizes[0] if first else 0  # all but the last are as large as the first
    rates, sources = np.zeros(LANES, np.float32), np.zeros(LANES, np.int64)
    for size in sizes[first:last]:
        chunks = whole // 4 if size == LANES and OFFSET else 0
        for at in range(size):
            token = min(done + at, len(tokens) - 1)
            rates[at] = _scale(tokens, token, whole, scales)
            sources[at] = tokens[token].ctypes.data
            if token < done + at:
                scales[done + at], rates[at] = 0.0, 0.0
        here = x.ctypes.data + done * across * QUAD
        _write_chunks(sources, rates, chunks, here)
        for at in range(min(size, len(tokens) - done)):
            start = done * across * QUAD + at * QUAD
            to = x.ctypes.data + start + 16 * chunks * size * QUAD
            _write(sources[at] + 256 * chunks, whole - 4 * chunks, rates[at], to, size * QUAD)
            for quad in range(LANES // 4 * whole, across):
                for place in range(4):
                    feature = 4 * quad + place
                    value = np.rint(tokens[done + at, feature] * rates[at]) if feature < features else np.float32(0.0)
                    x[start + quad * size * QUAD + place] = np.uint8(np.int64(value) + OFFSET)
        done += size


@shared
def _parts(threads: Any, *arguments: Any) -> None:
    for part in prange(threads):
        quantize_part(part, threads, *arguments)


def quantize(tokens: npt.NDArray[np.float32]) -> Quantized:
    r"""Round tokens (M, K) to integers, each with a scale of its own: q = round(127 x / max |x|).

    K is padded to a multiple of 4 with zeros.
    """
    across = -(-tokens.shape[1] // 4)
    size = padded(len(tokens))
    x = np.empty(size * across * QUAD, np.uint8)
    scales = np.empty(size, np.float32)
    arguments = groups(len(tokens)), tokens, x, scales, across
    count = threads(tokens.nbytes, ROUNDED)
    in_parts(count, quantize_part, _parts, arguments)
    return Quantized(x, scales)
