"""A residual sum and the layer norm of it, in one pass."""

from typing import Any, Final

import numpy as np
from numba.core import types

from secateur.runtime.compiled import compiled
from secateur.runtime.vectors import (
    FLOATS,
    accumulators,
    add_up,
    along,
    every,
    intrinsic,
    multiply_add,
    read,
    splat,
    sum_of_lanes,
    write,
)

IN_FLIGHT: Final = 4
"""Sums side by side, so that none waits for itself."""


@intrinsic(prefer_literal=True)
def _added(typing: Any, added: Any, x: Any, y: Any, share: Any, total: Any, count: Any) -> Any:
    """Write x + share * y, or x itself unless `added`, a literal; return the sum over the row."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, x, y, share, total, count = arguments
        sums, by = accumulators(build, IN_FLIGHT, FLOATS), splat(build, share, FLOATS)

        def step(offset: Any, copy: int, keep: Any) -> None:
            value = read(build, x, offset, keep)
            if added.literal_value:
                value = multiply_add(build, read(build, y, offset, keep), by, value)
                write(build, value, total, offset, keep)
            build.store(build.fadd(build.load(sums[copy]), value), sums[copy])

        along(build, count, IN_FLIGHT, step)
        return sum_of_lanes(build, add_up(build, sums, floating=True))

    return types.float32(added, types.int64, types.int64, types.float32, types.int64, types.int64), generate


@intrinsic
def _spread(typing: Any, x: Any, mean: Any, count: Any) -> Any:
    """Return the sum of (x - mean)^2."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        x, mean, count = arguments
        sums, middle = accumulators(build, IN_FLIGHT, FLOATS), splat(build, mean, FLOATS)

        def step(offset: Any, copy: int, keep: Any) -> None:
            apart = build.fsub(read(build, x, offset, keep), middle)
            if keep is not None:
                apart = build.select(keep, apart, every(0.0))
            build.store(multiply_add(build, apart, apart, build.load(sums[copy])), sums[copy])

        along(build, count, IN_FLIGHT, step)
        return sum_of_lanes(build, add_up(build, sums, floating=True))

    return types.float32(types.int64, types.float32, types.int64), generate


@intrinsic
def _scaled(typing: Any, x: Any, mean: Any, rate: Any, weight: Any, bias: Any, out: Any, count: Any) -> Any:
    """Write (x - mean) * rate * weight + bias."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        x, mean, rate, weight, bias, out, count = arguments
        middle, every_rate = splat(build, mean, FLOATS), splat(build, rate, FLOATS)

        def step(offset: Any, copy: int, keep: Any) -> None:
            value = build.fmul(build.fsub(read(build, x, offset, keep), middle), every_rate)
            scale, shift = read(build, weight, offset, keep), read(build, bias, offset, keep)
            write(build, multiply_add(build, value, scale, shift), out, offset, keep)

        along(build, count, 2, step)
        return context.get_dummy_value()

    numbers = types.int64, types.float32, types.float32, *[types.int64] * 4
    return types.void(*numbers), generate


@compiled
def _row(x: Any, total: Any, weight: Any, bias: Any, epsilon: Any, out: Any, count: Any) -> None:
    mean = total / np.float32(count)
    rate = np.float32(1.0) / np.sqrt(_spread(x, mean, count) / np.float32(count) + epsilon)
    _scaled(x, mean, rate, weight.ctypes.data, bias.ctypes.data, out, count)


@compiled
def normalize(x: Any, weight: Any, bias: Any, epsilon: Any, out: Any) -> None:
    """Write the layer norm of every row of x (M, D)."""
    count = x.shape[1]
    for row in range(len(x)):
        here = x.ctypes.data + 4 * row * count
        total = _added(False, here, here, np.float32(0.0), here, count)
        _row(here, total, weight, bias, np.float32(epsilon), out.ctypes.data + 4 * row * count, count)


@compiled
def add_and_normalize(x: Any, y: Any, share: Any, weight: Any, bias: Any, epsilon: Any, total: Any, out: Any) -> None:
    """Write x + share * y to `total`, which may be x, and the layer norm of every row of it to `out`; all (M, D)."""
    count = x.shape[1]
    for row in range(len(x)):
        at = 4 * row * count
        to = total.ctypes.data + at
        mass = _added(True, x.ctypes.data + at, y.ctypes.data + at, np.float32(share), to, count)
        _row(to, mass, weight, bias, np.float32(epsilon), out.ctypes.data + at, count)
