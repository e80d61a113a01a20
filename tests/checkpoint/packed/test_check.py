from collections.abc import Callable

import numpy as np
import pytest

from secateur.checkpoint.packed import PackedWeight, pack
from secateur.checkpoint.packed.check import check
from secateur.errors import ModelError
from sparse_weights import SHAPES, SHARES, sparse

SHAPE = (33, 70)  # neither a multiple of 16 rows nor of 4 columns


def masked() -> PackedWeight:
    packed = pack(sparse(SHAPE, 0.7), outputs=0, dtype="I8")
    assert packed is not None
    assert packed.layout.encoding == "bitmask"
    return packed


def blocked() -> PackedWeight:
    packed = pack(sparse(SHAPE, 0.7, tile=(16, 4)), outputs=0, dtype="I8")
    assert packed is not None
    assert packed.layout.encoding == "blocks"
    return packed


@pytest.mark.parametrize("dtype", ["F32", "BF16", "I8"])
@pytest.mark.parametrize("tile", [(1, 1), (16, 1), (16, 4)])
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_we_write_passes(shape, share: float, tile, dtype: str) -> None:
    packed = pack(sparse(shape, share, tile=tile), outputs=0, dtype=dtype)
    if packed is not None:
        check("w", packed.layout, packed.parts)


def changed(part: str, change: Callable[[np.ndarray], np.ndarray | None]):
    """Return what spoils one part of a weight."""

    def spoil(packed: PackedWeight) -> dict[str, np.ndarray]:
        copy = packed.parts[part].copy()
        found = change(copy)
        return {**packed.parts, part: copy if found is None else found}

    return spoil


def put(index: int | slice, value: object):
    def change(array: np.ndarray) -> None:
        array[index] = value

    return change

    return change


BROKEN = {
    "no values": (masked, lambda p: {k: v for k, v in p.parts.items() if k != "values"}, "the parts starts"),
    "an index as well": (masked, lambda p: {**p.parts, "index": p.parts["starts"]}, "the parts starts"),
    "starts of another type": (masked, changed("starts", lambda a: a.astype(np.float64)), "int64 in a row"),
    "values in two axes": (masked, changed("values", lambda a: a.reshape(2, -1)), "uint8 in a row"),
    "too few starts": (masked, changed("starts", lambda a: a[:0]), "4 starts"),
    "starts from elsewhere": (masked, changed("starts", put(0, 1)), "starts that rise from 0"),
    "starts that fall": (masked, changed("starts", put(1, 1 << 40)), "starts that rise from 0"),
    "starts below 0": (masked, changed("starts", put(1, -5)), "starts that rise from 0"),
    "starts that jump": (blocked, changed("starts", put(3, 1 << 40)), "starts that rise from 0 by at most 18"),
    "values cut off": (masked, changed("values", lambda a: a[:-64]), "entries of `values`"),
    "a mask cut off": (masked, changed("mask", lambda a: a[:-64]), "entries of `mask`"),
    "scales cut off": (masked, changed("scales", lambda a: a[:-16]), "entries of `scales`"),
    "a bit too many": (masked, changed("mask", lambda a: a | 1), "as many values as its mask has bits"),
    "a bit moved to the next row": (
        masked,
        changed("mask", lambda a: np.roll(a, 18 * 8)),
        "as many values as its mask has bits",
    ),
    "scales that are not finite": (masked, changed("scales", put(2, np.nan)), "finite scales"),
    "scales below 0": (masked, changed("scales", put(2, -1.0)), "finite scales"),
    "a block twice": (blocked, changed("index", lambda a: np.where(a == a[1], a[0], a)), "from left to right"),
    "a block further right": (blocked, changed("index", put(0, 18)), "blocks in 18 columns"),
    "blocks cut off": (blocked, changed("index", lambda a: a[:-32]), "entries of `index`"),
}


@pytest.mark.parametrize(("make", "spoil", "fragment"), BROKEN.values(), ids=BROKEN)
def test_what_is_damaged_is_a_sentence(make, spoil, fragment: str) -> None:
    packed = make()
    with pytest.raises(ModelError, match=fragment):
        check("layers.0.weight", packed.layout, spoil(packed))


@pytest.mark.parametrize("place", ["below", "beside"])
def test_bits_beyond_the_matrix_are_found(place: str) -> None:
    """A value is moved there, so that the counts are as before."""
    packed = masked()
    mask = packed.parts["mask"].copy()
    tiles = mask[: 3 * 18 * 8].view(np.uint64).reshape(3, 18)
    row = 2 if place == "below" else 0
    kept = next(int(bit) for bit in range(64) for tile in [0] if int(tiles[row, tile]) >> bit & 1)
    tiles[row, 0] ^= np.uint64(1 << kept)
    if place == "below":
        tiles[2, 0] ^= np.uint64(1 << (5 * 4))  # row 5 of the last tiles, which have one row
    else:
        tiles[0, 17] ^= np.uint64(1 << 3)  # column 3 of the last tile, which has two
    with pytest.raises(ModelError, match="no values beside the matrix"):
        check("w", packed.layout, {**packed.parts, "mask": mask})
