"""What lies between the two products of a FastConformer's convolution module, channels side by side, in two passes."""

from typing import Any

import numpy as np
from numba.core import cgutils, types

from secateur.runtime.activations import sigmoid, silu
from secateur.runtime.compiled import compiled
from secateur.runtime.vectors import FLOATS, along, constant, intrinsic, multiply_add, read, write

ROWS = 4
"""Places whose sums are in flight together: each reads the taps once."""


@intrinsic
def _gate(typing: Any, x: Any, by: Any, out: Any, count: Any) -> Any:
    """Write x / (1 + e^-by)."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        x, by, out, count = arguments

        def step(offset: Any, copy: int, keep: Any) -> None:
            gate = sigmoid(build, read(build, by, offset, keep))
            write(build, build.fmul(read(build, x, offset, keep), gate), out, offset, keep)

        along(build, count, 2, step)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic(prefer_literal=True)
def _filtered(typing: Any, rows: Any, x: Any, weight: Any, bias: Any, taps: Any, out: Any, count: Any) -> Any:
    """Write silu(bias + sum over taps of weight * x) of each of `count` channels at so many places, a literal.

    Rows of x, taps and outputs lie `count` floats apart.
    """
    places = rows.literal_value

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, x, weight, bias, taps, out, count = arguments
        apart = build.shl(count, constant(2))
        sums = [cgutils.alloca_once(build, FLOATS) for _ in range(places)]

        def step(offset: Any, copy: int, keep: Any) -> None:
            for total in sums:
                build.store(read(build, bias, offset, keep), total)
            with cgutils.for_range(build, taps) as each:
                here = build.add(offset, build.mul(each.index, apart))
                tap = read(build, weight, here, keep)
                for at, total in enumerate(sums):
                    where = build.add(here, build.mul(apart, constant(at)))
                    build.store(multiply_add(build, read(build, x, where, keep), tap, build.load(total)), total)
            for at, total in enumerate(sums):
                where = build.add(offset, build.mul(apart, constant(at)))
                write(build, silu(build, build.load(total)), out, where, keep)

        along(build, count, 1, step)
        return context.get_dummy_value()

    return types.void(rows, *[types.int64] * 6), generate


@compiled
def gated_filter(x: Any, lengths: Any, weight: Any, bias: Any, room: Any, out: Any) -> None:
    """Write silu(bias + depthwise filter of a * sigmoid(b)) of x (B, T, 2 C), where a and b are the halves of channels.

    `weight` is (taps, C) and centred, places from an utterance's length on count as zero in front of the filter; `room`
    is (T + taps - 1, C), `out` (B, T, C).
    """
    utterances, places, channels = out.shape
    taps = len(weight)
    before = taps // 2
    room[:before] = np.float32(0.0)
    for one in range(utterances):
        for place in range(lengths[one]):
            here = x[one, place].ctypes.data
            _gate(here, here + 4 * channels, room[before + place].ctypes.data, channels)
        room[before + lengths[one] :] = np.float32(0.0)
        place = 0
        while place < places:
            here, to = room[place].ctypes.data, out[one, place].ctypes.data
            if place + ROWS <= places:
                _filtered(ROWS, here, weight.ctypes.data, bias.ctypes.data, taps, to, channels)
                place += ROWS
            else:
                _filtered(1, here, weight.ctypes.data, bias.ctypes.data, taps, to, channels)
                place += 1
