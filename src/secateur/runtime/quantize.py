"""Activations as integers, token by token, in the order in which kernels of integers read them."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import prange
from numba.core import types

from secateur.runtime.compiled import compiled, shared
from secateur.runtime.groups import groups, padded
from secateur.runtime.threads import pool_of, share, threads
from secateur.runtime.vectors import (
    BYTE,
    FLOAT,
    FLOATS,
    INT,
    LANES,
    LEVEL,
    WORDS,
    accumulators,
    add_up,
    call,
    constant,
    intrinsic,
    load,
    loop,
    pointer,
    splat,
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


def _float_constant(value: float) -> Any:
    return ir.Constant(FLOATS, [value] * LANES)


@intrinsic
def _largest(typing: Any, start: Any, count: Any) -> Any:
    """Return the largest absolute value of so many times 16 floats; not a number where one is not finite."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start, count = arguments
        most, spoilt = accumulators(build, 4, FLOATS), accumulators(build, 4, FLOATS)

        def step(index: Any, copy: int) -> None:
            values = load(build, build.add(start, build.shl(index, constant(6))), FLOATS)
            size = call(build, "llvm.fabs.v16f32", FLOATS, values)
            before = build.load(most[copy])
            build.store(build.select(build.fcmp_ordered(">", size, before), size, before), most[copy])
            nothing = build.fsub(values, values)  # 0, or not a number
            build.store(build.fadd(build.load(spoilt[copy]), nothing), spoilt[copy])

        loop(build, count, 4, step)
        every = add_up(build, spoilt, floating=True)
        found = ir.Constant(FLOAT, 0.0)
        for one in most:
            values = build.load(one)
            for lane in range(LANES):
                value = build.extract_element(values, ir.Constant(INT, lane))
                found = build.select(build.fcmp_ordered(">", value, found), value, found)
        for lane in range(LANES):
            found = build.fadd(found, build.extract_element(every, ir.Constant(INT, lane)))
        return found

    return types.float32(types.int64, types.int64), generate


MAGIC: Final = 12582912.0
"""1.5 * 2^23: added to a number below 2^22, it leaves the nearest integer in the lowest bits."""


@intrinsic
def _write(typing: Any, start: Any, count: Any, rate: Any, out: Any, apart: Any) -> Any:
    """Round so many times 16 floats times `rate`, and store their quads `apart` bytes from each other."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start, count, rate, out, apart = arguments
        every = splat(build, rate, FLOATS)

        def step(index: Any, copy: int) -> None:
            values = load(build, build.add(start, build.shl(index, constant(6))), FLOATS)
            bits = build.bitcast(build.fadd(build.fmul(values, every), _float_constant(MAGIC)), WORDS)
            quads = _quads(build, bits)
            first = build.add(out, build.mul(build.shl(index, constant(2)), apart))
            for at in range(4):
                quad = build.extract_element(quads, ir.Constant(INT, at))
                build.store(quad, pointer(build, build.add(first, build.mul(apart, constant(at))), INT), align=4)

        loop(build, count, 1, step)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float32, types.int64, types.int64), generate


def _quads(build: Any, bits: Any) -> Any:
    """Return four quads of 16 integers in the lowest bits of words."""
    narrow = build.trunc(bits, ir.VectorType(BYTE, LANES))
    if OFFSET:
        narrow = build.xor(narrow, ir.Constant(narrow.type, [-OFFSET] * LANES))
    return build.bitcast(narrow, ir.VectorType(INT, 4))


@compiled
def _part(part: Any, parts: Any, sizes: Any, tokens: Any, x: Any, scales: Any, across: Any) -> None:
    whole, features = tokens.shape[1] // LANES, tokens.shape[1]
    first, last = share(part, parts, len(sizes))
    done = first * sizes[0] if first else 0  # all but the last are as large as the first
    for size in sizes[first:last]:
        for at in range(size):
            token = done + at
            if token >= len(tokens):
                scales[token] = 0.0
                continue
            source = tokens.ctypes.data + 4 * token * features
            largest = _largest(source, whole)
            for feature in range(LANES * whole, features):
                value = tokens[token, feature]
                largest = max(largest, abs(value)) + (value - value)
            scales[token] = largest / np.float32(LARGEST)
            rate = np.float32(LARGEST) / largest if largest > 0 else np.float32(0.0)
            start = done * across * QUAD + at * QUAD
            _write(source, whole, rate, x.ctypes.data + start, size * QUAD)
            for quad in range(LANES // 4 * whole, across):
                for place in range(4):
                    feature = 4 * quad + place
                    value = np.rint(tokens[token, feature] * rate) if feature < features else np.float32(0.0)
                    x[start + quad * size * QUAD + place] = np.uint8(np.int64(value) + OFFSET)
        done += size


@shared
def _parts(threads: Any, *arguments: Any) -> None:
    for part in prange(threads):
        _part(part, threads, *arguments)


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
    if count == 1:
        _part(0, 1, *arguments)
    else:
        with pool_of(count):
            _parts(count, *arguments)
    return Quantized(x, scales)
