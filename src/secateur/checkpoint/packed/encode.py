"""The parts of a packed weight from its numbers, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from secateur.checkpoint.packed.layout import DTYPES, ROWS, Layout
from secateur.checkpoint.packed.tiles import Array, tiled, untiled
from secateur.checkpoint.quantized import quantize_rows

Parts = Mapping[str, Array]


class PackedWeight(NamedTuple):
    """A weight as a packed file holds it."""

    layout: Layout
    parts: Parts

    def matrix(self) -> Tensor:
        """Return the values (rows, columns), dense, in their own type: integers without their scales."""
        return torch.from_numpy(DECODE[self.layout.encoding](self.parts, self.layout)).view(
            DTYPES[self.layout.dtype][0]
        )

    def values(self) -> Tensor:
        """Return the weight, dense: of integers in float32."""
        layout, matrix = self.layout, self.matrix()
        if "scales" in self.parts:
            matrix = matrix * torch.from_numpy(self.parts["scales"][: layout.rows].copy())[:, None]
        others = [size for axis, size in enumerate(layout.shape) if axis != layout.outputs]
        return matrix.reshape(layout.rows, *others).movedim(0, layout.outputs).contiguous()


Encoding = tuple[str, int]
"""One of `ENCODINGS`, and the width of its tiles."""


def pack(weight: Tensor, *, outputs: int, dtype: str, encoding: Encoding | None = None) -> PackedWeight | None:
    """Pack a weight in the encoding that takes the fewest bytes; ``None`` where that is as it was.

    `dtype` is what its values become, as safetensors calls it: integers are rounded by `quantize_rows`. An `encoding`
    that is given is taken whatever its size.
    """
    matrix, scales = _matrix(weight, outputs=outputs, dtype=dtype)
    alive = (matrix != 0).numpy()
    ways = _ways(Layout(encoding="rows", shape=tuple(weight.shape), outputs=outputs, dtype=dtype), alive)
    layout, kept = ways[encoding] if encoding else min(ways.values(), key=lambda way: way[0].nbytes(way[1]))
    if layout.encoding == "rows" and scales is None:
        return None
    bits = matrix.view(BITS[layout.itemsize]).numpy().view(layout.bits)
    parts = ENCODE[layout.encoding](bits, alive, layout)
    if scales is not None:
        parts["scales"] = scales.flatten().numpy()
    lengths = layout.lengths(kept)
    whole = {part: _filled(parts[part], lengths[part], kind) for part, kind in layout.types().items()}
    return PackedWeight(layout, whole)


def sizes(weight: Tensor, *, outputs: int, dtype: str) -> dict[Encoding, int]:
    """Return how many bytes a weight takes in each encoding.

    >>> found = sizes(torch.eye(64), outputs=0, dtype="F32")
    >>> min(found, key=found.get), found["rows", 1]
    (('bitmask', 1), 16384)
    """
    alive = (_matrix(weight, outputs=outputs, dtype=dtype)[0] != 0).numpy()
    ways = _ways(Layout(encoding="rows", shape=tuple(weight.shape), outputs=outputs, dtype=dtype), alive)
    return {encoding: layout.nbytes(kept) for encoding, (layout, kept) in ways.items()}


def _matrix(weight: Tensor, *, outputs: int, dtype: str) -> tuple[Tensor, Tensor | None]:
    """Return the values (rows, columns) in their type, and of integers the scales."""
    scales = None
    if dtype == "I8":
        weight, scales = quantize_rows(weight, outputs=outputs)
    return weight.detach().to(DTYPES[dtype][0]).movedim(outputs, 0).flatten(1).contiguous(), scales


BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def _ways(plain: Layout, alive: Array) -> dict[Encoding, tuple[Layout, int]]:
    """Return the layouts there are for a weight, and how much each keeps."""
    ways: dict[Encoding, tuple[Layout, int]] = {("rows", 1): (plain, 0)}
    ways["bitmask", plain.full] = (replace(plain, encoding="bitmask", width=plain.full), int(alive.sum()))
    for width in (4, 1):
        blocks = replace(plain, encoding="blocks", width=width)
        ways["blocks", width] = (blocks, int(_blocks(alive, blocks).sum()))
    return ways


def _filled(part: Array, length: int, kind: type[np.generic]) -> Array:
    found = np.zeros(length, kind)
    found[: part.size] = part.reshape(-1)
    return found


def _encode_rows(bits: Array, alive: Array, layout: Layout) -> dict[str, Array]:
    return {"values": bits}


def _decode_rows(parts: Parts, layout: Layout) -> Array:
    return parts["values"][: layout.rows * layout.columns].reshape(layout.rows, layout.columns).copy()


def _encode_bitmask(bits: Array, alive: Array, layout: Layout) -> dict[str, Array]:
    kept = tiled(alive, layout)
    mask = np.packbits(kept, axis=-1, bitorder="little")
    return {"starts": _starts(kept), "mask": mask, "values": tiled(bits, layout)[kept]}


def _decode_bitmask(parts: Parts, layout: Layout) -> Array:
    kept = np.unpackbits(parts["mask"][: layout.used(0)["mask"]], bitorder="little").view(bool)
    tiles = np.zeros(kept.shape, layout.bits)
    tiles[kept] = parts["values"][: parts["starts"][layout.down]]
    return untiled(tiles, layout)


def _encode_blocks(bits: Array, alive: Array, layout: Layout) -> dict[str, Array]:
    kept = _blocks(alive, layout)
    return {"starts": _starts(kept), "index": np.nonzero(kept)[1], "values": tiled(bits, layout)[kept]}


def _decode_blocks(parts: Parts, layout: Layout) -> Array:
    starts = parts["starts"][: layout.down + 1]
    kept, tile = int(starts[-1]), ROWS * layout.width
    tiles = np.zeros((layout.down, layout.across, tile), layout.bits)
    rows = np.repeat(np.arange(layout.down), np.diff(starts))
    tiles[rows, parts["index"][:kept]] = parts["values"][: kept * tile].reshape(kept, tile)
    return untiled(tiles, layout)


def _blocks(alive: Array, layout: Layout) -> Array:
    """Return which tiles hold anything: bool (down, across)."""
    return np.asarray(tiled(alive, layout).any(-1))


def _starts(kept: Array) -> Array:
    """Return how many values or blocks come before each row of tiles, and how many there are."""
    return np.concatenate([[0], np.cumsum(kept.reshape(len(kept), -1).sum(-1))])


ENCODE = {"rows": _encode_rows, "bitmask": _encode_bitmask, "blocks": _encode_blocks}
DECODE = {"rows": _decode_rows, "bitmask": _decode_bitmask, "blocks": _decode_blocks}
