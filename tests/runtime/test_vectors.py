from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from numba import njit
from numba.core import types

from secateur.runtime.vectors import (
    FLOAT,
    FLOATS,
    LANES,
    accumulators,
    add_up,
    constant,
    intrinsic,
    load,
    loop,
    multiply_add,
    pointer,
    splat,
    store_rows,
)


@intrinsic
def add_vectors(typing: Any, start: Any, count: Any, out: Any, rows: Any) -> Any:
    """Store 2 * the sum of so many vectors + 1, in these rows."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start, count, out, rows = arguments
        sums = accumulators(build, 3, FLOATS)

        def step(index: Any, copy: int) -> None:
            value = load(build, build.add(start, build.mul(index, constant(4 * LANES))), FLOATS)
            build.store(build.fadd(build.load(sums[copy]), value), sums[copy])

        loop(build, count, 3, step)
        two, one = (splat(build, ir.Constant(FLOAT, value), FLOATS) for value in (2.0, 1.0))
        store_rows(build, multiply_add(build, add_up(build, sums, floating=True), two, one), out, rows)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@njit
def added(values: Any, count: Any, out: Any, rows: Any) -> None:
    add_vectors(values.ctypes.data, count, out.ctypes.data, rows)


@pytest.mark.parametrize("count", range(8))
@pytest.mark.parametrize("rows", [1, 5, 16])
def test_a_loop_takes_every_index_once_and_rows_beyond_the_last_are_not_written(count: int, rows: int) -> None:
    values = np.arange(8 * LANES, dtype=np.float32).reshape(8, LANES)
    out = np.full(LANES, -1.0, np.float32)
    added(values, count, out, (1 << rows) - 1)
    assert np.array_equal(out[:rows], 2.0 * values[:count].sum(0)[:rows] + 1.0)
    assert (out[rows:] == -1.0).all()


def test_an_offset_moves_an_address() -> None:
    build = ir.IRBuilder(ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "f").append_basic_block())
    assert "64" in str(pointer(build, constant(0), FLOATS, 64).operands[0])
    assert "add" not in str(pointer(build, constant(0), FLOATS).operands[0])
