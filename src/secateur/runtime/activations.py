"""Exponentials and what is made of them, 16 at a time, to the last bits of a float32."""

import math
from typing import Any, Final

from llvmlite import ir
from numba.core import types

from secateur.runtime.compiled import compiled
from secateur.runtime.vectors import (
    FLOATS,
    LANES,
    LEVEL,
    ROUNDER,
    WORDS,
    along,
    call,
    every,
    intrinsic,
    multiply_add,
    read,
    write,
)

LOW, HIGH = -87.3, 88.3
"""Between these, powers of e are numbers of full precision in float32; others count as the nearest of the two."""

TERMS: Final = 7
"""Of the power series: below half of ln 2 the next one is less than half of the last bit."""

LN2_HIGH: Final = 0.693359375
"""The first bits of ln 2, few enough that a multiple of it is exact."""


def exponential(build: Any, x: Any) -> Any:
    r"""Return e^x = 2^n e^r with n = round(x / ln 2), for lanes of float32; what is not a number stays so."""
    x = build.select(build.fcmp_ordered("<", x, every(LOW)), every(LOW), x)
    x = build.select(build.fcmp_ordered(">", x, every(HIGH)), every(HIGH), x)
    shifted = multiply_add(build, x, every(1.0 / math.log(2.0)), every(ROUNDER))
    whole = build.fsub(shifted, every(ROUNDER))
    rest = multiply_add(build, whole, every(-LN2_HIGH), x)
    rest = multiply_add(build, whole, every(LN2_HIGH - math.log(2.0)), rest)
    total = every(1.0 / math.factorial(TERMS))
    for power in range(TERMS - 1, -1, -1):
        total = multiply_add(build, total, rest, every(1.0 / math.factorial(power)))
    exponent = build.add(build.bitcast(shifted, WORDS), ir.Constant(WORDS, [127] * LANES))
    return build.fmul(total, build.bitcast(build.shl(exponent, ir.Constant(WORDS, [23] * LANES)), FLOATS))


def reciprocal(build: Any, x: Any) -> Any:
    """Return 1 / x: an estimate of 14 bits and one step of Newton's, where there is one."""
    if LEVEL not in ("vnni", "avx512"):
        return build.fdiv(every(1.0), x)
    all_lanes = ir.Constant(ir.IntType(16), 0xFFFF)
    guess = call(build, "llvm.x86.avx512.rcp14.ps.512", FLOATS, x, ir.Constant(FLOATS, None), all_lanes)
    wrong = multiply_add(build, build.fneg(x), guess, every(1.0))
    return multiply_add(build, guess, wrong, guess)


def sigmoid(build: Any, x: Any) -> Any:
    """Return 1 / (1 + e^-x), and 0 where that is below what float32 holds in full."""
    found = reciprocal(build, build.fadd(every(1.0), exponential(build, build.fneg(x))))
    return build.select(build.fcmp_ordered("<", x, every(LOW)), every(0.0), found)


def silu(build: Any, x: Any) -> Any:
    """Return x / (1 + e^-x)."""
    return build.fmul(x, sigmoid(build, x))


@intrinsic
def _silu(typing: Any, start: Any, count: Any) -> Any:
    """Write x / (1 + e^-x) over so many numbers x."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start, count = arguments

        def step(offset: Any, copy: int, keep: Any) -> None:
            write(build, silu(build, read(build, start, offset, keep)), start, offset, keep)

        along(build, count, 2, step)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@compiled
def silu_in_place(x: Any) -> None:
    """Write x / (1 + e^-x) over an array x, contiguous."""
    _silu(x.ctypes.data, x.size)
