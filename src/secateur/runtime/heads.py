"""Attention with relative positions, a head and a few queries at a time, so that scores never leave the cache."""

from functools import cache
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from secateur.runtime.activations import exponential, reciprocal
from secateur.runtime.compiled import compiled
from secateur.runtime.panels import COLUMNS, NOTHING, ROWS, ROWS_OF, multiply
from secateur.runtime.vectors import (
    FLOATS,
    LANES,
    accumulators,
    add_up,
    along,
    constant,
    every,
    intrinsic,
    largest_lane,
    load,
    pointer,
    read,
    splat,
    sum_of_lanes,
    transposed,
    write,
)

QUERIES: Final = ROWS
"""Whose scores are summed together."""

IN_FLIGHT: Final = 4


@intrinsic
def _exchange(typing: Any, x: Any, apart: Any, last: Any, out: Any, out_apart: Any) -> Any:
    """Write 16 rows of 16 numbers as columns; rows behind the `last` one are this one again."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        x, apart, last, out, out_apart = arguments
        rows: list[Any] = []
        for row in range(LANES):
            there = build.icmp_signed("<", constant(row), last)
            rows.append(load(build, build.add(x, build.mul(apart, build.select(there, constant(row), last))), FLOATS))
        for row, found in enumerate(transposed(build, rows)):
            build.store(found, pointer(build, build.add(out, build.mul(out_apart, constant(row))), FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@intrinsic
def _shifted(typing: Any, x: Any, bias: Any, scale: Any, out: Any, count: Any) -> Any:
    """Write (x + bias) * scale."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        x, bias, scale, out, count = arguments
        by = splat(build, scale, FLOATS)

        def step(offset: Any, copy: int, keep: Any) -> None:
            total = build.fadd(read(build, x, offset, keep), read(build, bias, offset, keep))
            write(build, build.fmul(total, by), out, offset, keep)

        along(build, count, 1, step)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float32, types.int64, types.int64), generate


@intrinsic
def _scaled(typing: Any, x: Any, scale: Any, out: Any, count: Any) -> Any:
    """Write x * scale."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        x, scale, out, count = arguments
        by = splat(build, scale, FLOATS)

        def step(offset: Any, copy: int, keep: Any) -> None:
            write(build, build.fmul(read(build, x, offset, keep), by), out, offset, keep)

        along(build, count, 1, step)
        return context.get_dummy_value()

    return types.void(types.int64, types.float32, types.int64, types.int64), generate


@intrinsic
def _exponentials(typing: Any, scores: Any, count: Any) -> Any:
    """Write e^(score - largest) over scores; return one over their sum."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        scores, count = arguments
        most = [cgutils.alloca_once_value(build, every(-np.inf)) for _ in range(IN_FLIGHT)]
        sums = accumulators(build, IN_FLIGHT, FLOATS)

        def compare(offset: Any, copy: int, keep: Any) -> None:
            value, before = read(build, scores, offset, keep), build.load(most[copy])
            more = build.fcmp_ordered(">", value, before)
            more = more if keep is None else build.and_(more, keep)
            build.store(build.select(more, value, before), most[copy])

        along(build, count, IN_FLIGHT, compare)
        found = build.load(most[0])
        for one in most[1:]:
            other = build.load(one)
            found = build.select(build.fcmp_ordered(">", other, found), other, found)
        largest = splat(build, largest_lane(build, found), FLOATS)

        def step(offset: Any, copy: int, keep: Any) -> None:
            value = exponential(build, build.fsub(read(build, scores, offset, keep), largest))
            value = value if keep is None else build.select(keep, value, every(0.0))
            write(build, value, scores, offset, keep)
            build.store(build.fadd(build.load(sums[copy]), value), sums[copy])

        along(build, count, IN_FLIGHT, step)
        total = sum_of_lanes(build, add_up(build, sums, floating=True))
        inverse = reciprocal(build, splat(build, total, FLOATS))
        return build.extract_element(inverse, ir.Constant(ir.IntType(32), 0))

    return types.float32(types.int64, types.int64), generate


@compiled
def _lay_out(x: Any, by_feature: Any) -> None:
    """Write x (T, K) as (K padded to 16, keys padded)."""
    places, features = x.shape
    if features % LANES:
        for feature in range(features):
            for place in range(places):
                by_feature[feature, place] = x[place, feature]
        return
    for place in range(0, places, LANES):
        last = min(LANES, places - place) - 1
        for feature in range(0, features, LANES):
            here, to = x[place, feature:].ctypes.data, by_feature[feature, place:].ctypes.data
            _exchange(here, x.strides[0], last, to, by_feature.strides[0])


@compiled
def _means(values: Any, out: Any) -> None:
    """Write the mean of values (T, K) to every row of `out`: a query that may look nowhere looks everywhere alike."""
    if not len(out):
        return
    out[0] = np.float32(0.0)
    for place in range(len(values)):
        out[0] += values[place]
    out[0] /= np.float32(len(values))
    out[1:] = out[0]


@compiled
def _head(
    queries: Any,
    keys: Any,
    values: Any,
    length: Any,
    content: Any,
    place: Any,
    scale: Any,
    distances: Any,
    origin: Any,
    by_feature: Any,
    padded: Any,
    asked: Any,
    relative: Any,
    scores: Any,
    found: Any,
    out: Any,
) -> None:
    """Attend with one head of one utterance; arrays are (T, K), distances (K, W) with distance 0 at `origin`.

    The others are room: keys by feature, values padded, queries with both biases, scores by distance and by place, and
    what is found.
    """
    features = queries.shape[1]
    _lay_out(keys[:length], by_feature)
    padded[:length, :features] = values[:length]
    query, score, apart = asked.shape[2] * 4, scores.strides[0], relative.strides[0]
    first, second = asked[0].ctypes.data, asked[1].ctypes.data
    for start in range(0, length, QUERIES):
        there = min(QUERIES, length - start)
        for row in range(there):
            here = queries[start + row].ctypes.data
            _shifted(here, content.ctypes.data, scale, first + query * row, features)
            _shifted(here, place.ctypes.data, scale, second + query * row, features)
        column = distances.ctypes.data + 4 * (origin - (start + QUERIES - 1))
        for at in range(0, length + QUERIES - 1, COLUMNS):
            to = relative.ctypes.data + 4 * at
            multiply(NOTHING, False, features, second, query, column + 4 * at, distances.strides[0], 0, 0, to, apart)
        begin = relative.ctypes.data + 4 * (QUERIES - 1)
        for at in range(0, length, COLUMNS):
            here, to = by_feature.ctypes.data + 4 * at, scores.ctypes.data + 4 * at
            multiply(
                ROWS_OF,
                False,
                features,
                first,
                query,
                here,
                by_feature.strides[0],
                begin + 4 * at,
                apart - 4,
                to,
                score,
            )
        for row in range(there):
            found[row, 0] = _exponentials(scores[row].ctypes.data, length)
        for at in range(0, features, COLUMNS):
            here, to = padded.ctypes.data + 4 * at, found[0, LANES + at :].ctypes.data
            multiply(
                NOTHING, False, length, scores.ctypes.data, score, here, padded.strides[0], 0, 0, to, found.strides[0]
            )
        for row in range(there):
            _scaled(found[row, LANES:].ctypes.data, found[row, 0], out[start + row].ctypes.data, features)
    _means(values, out[length:])


@compiled
def attend(
    queries: Any,
    keys: Any,
    values: Any,
    lengths: Any,
    content: Any,
    place: Any,
    scale: Any,
    distances: Any,
    origin: Any,
    by_feature: Any,
    padded: Any,
    asked: Any,
    relative: Any,
    scores: Any,
    found: Any,
    out: Any,
) -> None:
    r"""Write softmax(((q_i + u) k_j + (q_i + v) r_{i-j}) * scale) v for queries, keys and values (B, T, H, K).

    `content` and `place` are u and v, (H, K). An utterance has so many places as `lengths` says; queries of padding
    find the mean of all values. `distances` (H, K, W) has r of distance 0 in column `origin`, of i - j to the left of
    it by so much. `shapes` says what room there must be for the others.
    """
    for one in range(len(queries)):
        for head in range(queries.shape[2]):
            _head(
                queries[one, :, head],
                keys[one, :, head],
                values[one, :, head],
                lengths[one],
                content[head],
                place[head],
                scale,
                distances[head],
                origin,
                by_feature,
                padded,
                asked,
                relative,
                scores,
                found,
                out[one, :, head],
            )


@cache
def shapes(places: int, features: int) -> dict[str, tuple[int, ...]]:
    """Return what room a head needs; rows are so far apart that they do not fall on each other in the cache."""
    wide, deep = _whole(places, COLUMNS), _whole(features, COLUMNS)
    return {
        "by_feature": (deep, wide + LANES),
        "padded": (wide, deep),
        "asked": (2, QUERIES, deep),
        "relative": (QUERIES, _whole(places + QUERIES, COLUMNS) + COLUMNS + LANES),
        "scores": (QUERIES, wide + LANES),
        "found": (QUERIES, LANES + deep),
    }


def table(rows: Any) -> tuple[Any, int]:
    """Return rows of distances L - 1 to -(L - 1), (2 L - 1, H, K), as (H, K, W), and the column of distance 0.

    Columns of zeros before and behind them are where queries and keys that fill a group up are read.
    """
    count, heads, features = rows.shape
    found = np.zeros((heads, features, LANES + count + 2 * COLUMNS), np.float32)
    found[:, :, LANES : LANES + count] = rows.transpose(1, 2, 0)
    return found, LANES + count // 2


def _whole(count: int, of: int) -> int:
    return -(-count // of) * of
