"""A FastConformer block in one call, where all of its products are of integers in blocks of 16 x 4.

A call from Python costs some microseconds, and a block has 30 steps: at 4 s of audio, a sixth of the time. Here weights
of all layers lie one behind the other, and what is wide goes some tokens at a time, so that it stays in the cache.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from secateur.runtime.activations import silu_in_place
from secateur.runtime.compiled import compiled
from secateur.runtime.gated import gated_filter
from secateur.runtime.groups import groups, padded
from secateur.runtime.heads import attend
from secateur.runtime.integers import TILE, multiply_part
from secateur.runtime.linear import SparseLinear
from secateur.runtime.norms import add_and_normalize, normalize
from secateur.runtime.product import IntegerProduct
from secateur.runtime.quantize import QUAD, quantize_part
from secateur.runtime.rooms import Array, Room

TOGETHER: Final = 64
"""Tokens of a feed-forward module at a time: 512 KiB at a width of 2048."""

HALF: Final = 0.5
"""Share of a feed-forward module in a residual sum."""

WIDE, NARROW, QUERIES, KEYS, VALUES, TURNED, GATED, MIXED, WIDE_AGAIN, NARROW_AGAIN = range(10)
"""Places of layers in a stack."""


class Stack(NamedTuple):
    """Weights of layers, one behind the other."""

    arrays: tuple[npt.NDArray[Any], ...]
    """What is done by layer, starts, places, values, and what kernels need of each row. By layer there are its first
    start, the one behind its last, its first row of tiles, its outputs, and its tiles across."""

    sizes: tuple[tuple[int, ...], int]
    """Outputs of each layer, and the most tiles across."""


def stacked(layers: Sequence[Any]) -> Stack | None:
    """Return layers as one, which read their weights from it from now on; None unless all are of the usual kind."""
    products: list[IntegerProduct] = []
    for layer in layers:
        product = layer.product if isinstance(layer, SparseLinear) else None
        if not isinstance(product, IntegerProduct) or product.weight[1].dtype != np.uint16:
            return None
        products.append(product)
    starts, places, values, rows = zip(*(product.weight for product in products), strict=True)
    counts = [int(one[-1]) for one in starts]
    before = [0, *np.cumsum(counts).tolist()]
    plan = _plan(products)
    arrays = (
        plan,
        np.concatenate([one.astype(np.int64) + at for one, at in zip(starts, before, strict=False)]),
        np.concatenate([one[:count] for one, count in zip(places, counts, strict=True)]),
        np.concatenate([one[: TILE * count] for one, count in zip(values, counts, strict=True)]),
        np.concatenate(rows),
    )
    _, _, every_place, every_value, _ = arrays
    for product, at, count in zip(products, before, counts, strict=False):
        product.move(every_place[at : at + count], every_value[TILE * at : TILE * (at + count)])
    return Stack(arrays, (tuple(plan[:, 3].tolist()), int(plan[:, 4].max())))


def _plan(products: Sequence[IntegerProduct]) -> npt.NDArray[np.int64]:
    lines: list[list[int]] = []
    start = row = 0
    for product in products:
        down = len(product.weight[0]) - 1
        lines.append([start, start + down + 1, row, product.rows, product.across])
        start, row = start + down + 1, row + down
    return np.array(lines, np.int64)


@compiled
def _multiply(layer: Any, stack: Any, sizes: Any, x: Any, scales: Any, out: Any) -> None:
    """Write the product of a layer with rounded tokens."""
    plan, starts, places, values, rows = stack
    first, last, row, _, across = plan[layer]
    some = rows[row : row + last - first - 1]
    multiply_part(0, 1, sizes, starts[first:last], places, values, x, scales, some, out, across)


@compiled
def _round(tokens: Any, sizes: Any, x: Any, scales: Any) -> None:
    quantize_part(0, 1, sizes, tokens, x, scales, (tokens.shape[1] + 3) // 4)


@compiled
def _feed(layers: Any, stack: Any, sizes: Any, tokens: Any, x: Any, scales: Any, wide: Any, out: Any) -> None:
    """Write what a feed-forward module makes of tokens; its two layers are named, `wide` is room between them."""
    count, done = max(1, TOGETHER // sizes[0]), 0
    for at in range(0, len(sizes), count):
        some = sizes[at : at + count]
        number = some.sum()
        last = min(done + number, len(tokens))
        _round(tokens[done:last], some, x, scales)
        _multiply(layers[0], stack, some, x, scales, wide)
        silu_in_place(wide[: last - done])
        _round(wide[: last - done], some, x, scales)
        _multiply(layers[1], stack, some, x, scales, out[done : done + number])
        done += number


@compiled
def _attend(
    stack: Any, sizes: Any, lengths: Any, tokens: Any, x: Any, scales: Any, asked: Any, heads: Any, heard: Any, out: Any
) -> None:
    """Write what attention makes of tokens; `asked` is room for queries, keys and values, `heard` for what is found."""
    _round(tokens, sizes, x, scales)
    for at in range(3):
        _multiply(QUERIES + at, stack, sizes, x, scales, asked[at])
    queries = asked[0][: len(tokens)].reshape(heard.shape)
    keys = asked[1][: len(tokens)].reshape(heard.shape)
    values = asked[2][: len(tokens)].reshape(heard.shape)
    attend(queries, keys, values, lengths, *heads, heard)
    _round(heard.reshape(tokens.shape[0], -1), sizes, x, scales)
    _multiply(TURNED, stack, sizes, x, scales, out)


@compiled
def _convolve(
    stack: Any, sizes: Any, lengths: Any, tokens: Any, x: Any, scales: Any, taps: Any, gated: Any, mixing: Any, out: Any
) -> None:
    """Write what the convolution module makes of tokens."""
    padded_places, mixed = mixing
    _round(tokens, sizes, x, scales)
    _multiply(GATED, stack, sizes, x, scales, gated)
    shape = mixed.shape[0], mixed.shape[1], 2 * mixed.shape[2]
    gated_filter(gated[: len(tokens)].reshape(shape), lengths, taps[0], taps[1], padded_places, mixed)
    _round(mixed.reshape(len(tokens), -1), sizes, x, scales)
    _multiply(MIXED, stack, sizes, x, scales, out)


@compiled
def _block(
    x: Any,
    lengths: Any,
    stack: Any,
    sizes: Any,
    norms: Any,
    epsilons: Any,
    taps: Any,
    heads: Any,
    rounded: Any,
    scales: Any,
    states: Any,
    narrow: Any,
    wide: Any,
    asked: Any,
    gated: Any,
    mixing: Any,
    heard: Any,
    out: Any,
) -> None:
    total, normed = states
    normalize(x, norms[0, 0], norms[0, 1], epsilons[0], normed)
    _feed((WIDE, NARROW), stack, sizes, normed, rounded, scales, wide[0], narrow)
    add_and_normalize(x, narrow, HALF, norms[1, 0], norms[1, 1], epsilons[1], total, normed)
    _attend(stack, sizes, lengths, normed, rounded, scales, asked, heads, heard, narrow)
    add_and_normalize(total, narrow, 1.0, norms[2, 0], norms[2, 1], epsilons[2], total, normed)
    _convolve(stack, sizes, lengths, normed, rounded, scales, taps, gated, mixing, narrow)
    add_and_normalize(total, narrow, 1.0, norms[3, 0], norms[3, 1], epsilons[3], total, normed)
    _feed((WIDE_AGAIN, NARROW_AGAIN), stack, sizes, normed, rounded, scales, wide[1], narrow)
    add_and_normalize(total, narrow, HALF, norms[4, 0], norms[4, 1], epsilons[4], total, out)


def whole_block(
    x: Array, lengths: npt.NDArray[np.int64], stack: Stack, norms: Any, taps: Any, heads: Any, room: Room, out: Array
) -> None:
    """Write what a block makes of states (M, D) of utterances of such lengths, padded.

    `norms` are the weights and biases of its five norms (5, 2, D), and what is added to their variances; `taps` the
    depthwise filter and its biases; `heads` what `heads.attend` needs between lengths and `out`.
    """
    count, batch = len(x), len(lengths)
    places = count // batch
    key = count, batch, x.shape[1], stack.sizes, heads[0].shape, taps[0].shape
    between = room.prepare("block", key, lambda: _between(key, room))
    heard = room.take("heard", batch, places, *heads[0].shape)
    _block(x, lengths, stack.arrays, groups(count), *norms, taps, heads, *between, heard, out)


def _between(key: Any, room: Room) -> tuple[Any, ...]:
    """Return the room that `_block` needs, in its order."""
    count, batch, width, (outputs, deepest), _, (taps, channels) = key
    whole, places = padded(count), count // batch
    some = min(whole, max(TOGETHER, int(groups(count)[0])))
    return (
        room.take("rounded", whole * deepest * QUAD // 4 + 1).view(np.uint8),
        room.take("scales", whole),
        (room.take("total", count, width), room.take("normed", count, width)),
        room.take("narrow", whole, width),
        tuple(room.take("wide", some, outputs[layer]) for layer in (WIDE, WIDE_AGAIN)),
        room.take("asked", 3, whole, outputs[QUERIES]),
        room.take("gated", whole, outputs[GATED]),
        (room.take("padded places", places + taps - 1, channels), room.take("mixed", batch, places, channels)),
    )
