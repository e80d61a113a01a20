"""Dense products of a few rows and columns whose sums stay in registers: what larger ones are put together from."""

from typing import Any, Final

from numba.core import cgutils, types

from secateur.runtime.vectors import (
    FLOAT,
    FLOATS,
    LANES,
    LEVEL,
    accumulators,
    constant,
    every,
    intrinsic,
    load,
    multiply_add,
    pointer,
    splat,
)

ROWS, VECTORS = (12, 2) if LEVEL in ("vnni", "avx512") else (6, 1)
"""Sums that are in registers together: so many rows of so many vectors."""

COLUMNS: Final = VECTORS * LANES

NOTHING, ROWS_OF = 0, 1
"""What sums start from: zeros, or rows of something."""


@intrinsic(prefer_literal=True)
def multiply(
    typing: Any,
    begun: Any,
    positive: Any,
    depth: Any,
    a: Any,
    a_apart: Any,
    b: Any,
    b_apart: Any,
    start: Any,
    start_apart: Any,
    out: Any,
    out_apart: Any,
) -> Any:
    """Write the product of a, `ROWS` rows, and b, `COLUMNS` columns, over a depth, added to rows of `start`.

    The first two are literal: what sums start from, and whether those below zero become zero. The others are addresses
    of first numbers, and bytes between rows: of `start`, none for a bias.
    """

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        _, _, depth, a, a_apart, b, b_apart, start, start_apart, out, out_apart = arguments
        sums = accumulators(build, ROWS * VECTORS, FLOATS)
        places = [divmod(number, VECTORS) for number in range(ROWS * VECTORS)]

        def at(first: Any, apart: Any, row: int) -> Any:
            return build.add(first, build.mul(apart, constant(row)))

        if begun.literal_value == ROWS_OF:
            for total, (row, vector) in zip(sums, places, strict=True):
                build.store(load(build, at(start, start_apart, row), FLOATS, 4 * LANES * vector), total)
        with cgutils.for_range(build, depth) as each:
            here = build.add(b, build.mul(each.index, b_apart))
            others = [load(build, here, FLOATS, 4 * LANES * vector) for vector in range(VECTORS)]
            column = build.add(a, build.shl(each.index, constant(2)))
            for row in range(ROWS):
                one = splat(build, load(build, at(column, a_apart, row), FLOAT), FLOATS)
                for vector, other in enumerate(others):
                    total = sums[row * VECTORS + vector]
                    build.store(multiply_add(build, one, other, build.load(total)), total)
        for total, (row, vector) in zip(sums, places, strict=True):
            value = build.load(total)
            if positive.literal_value:  # what is not a number stays so
                value = build.select(build.fcmp_ordered("<", value, every(0.0)), every(0.0), value)
            build.store(value, pointer(build, at(out, out_apart, row), FLOATS, 4 * LANES * vector), align=4)
        return context.get_dummy_value()

    return types.void(begun, positive, *[types.int64] * 9), generate
