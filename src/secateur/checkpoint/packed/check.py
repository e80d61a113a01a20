"""What the parts of a packed weight must be before anything is read through them."""

from functools import lru_cache

import numpy as np

from secateur.checkpoint.packed.encode import Parts
from secateur.checkpoint.packed.layout import ROWS, Layout, damaged
from secateur.checkpoint.packed.tiles import Array


def check(name: str, layout: Layout, parts: Parts) -> None:
    """Make sure that every length, offset, index and count of a weight's parts is what its layout says.

    Raises:
        ModelError: One is not; reading on would go beyond a part, or mix weights up.
    """
    types = layout.types()
    if set(parts) != set(types):
        raise damaged(name, f"the parts {', '.join(types)}", ", ".join(parts) or "none")
    for part, kind in types.items():
        if parts[part].dtype != kind or parts[part].ndim != 1:
            raise damaged(name, f"{np.dtype(kind)} in a row for `{part}`", f"{parts[part].dtype} {parts[part].shape}")
    kept = check_starts(name, layout, parts["starts"]) if "starts" in parts else 0
    for part, length in layout.lengths(kept).items():
        if len(parts[part]) != length:
            raise damaged(name, f"{length} entries of `{part}`", len(parts[part]))
    if layout.encoding == "bitmask":
        _check_mask(name, layout, parts)
    if layout.encoding == "blocks":
        _check_index(name, layout, parts)
    if "scales" in parts and not bool((np.isfinite(parts["scales"]) & (parts["scales"] >= 0)).all()):
        raise damaged(name, "finite scales of at least 0", "others")


def check_starts(name: str, layout: Layout, starts: Array) -> int:
    """Return how many values or blocks there are, once the starts of rows of tiles are known to rise to it.

    Raises:
        ModelError: They do not.
    """
    if len(starts) != layout.lengths(0)["starts"]:
        raise damaged(name, f"{layout.down + 1} starts", len(starts))
    starts = starts[: layout.down + 1]
    most = layout.across * (layout.width * ROWS if layout.encoding == "bitmask" else 1)
    apart = np.diff(starts)
    if starts[0] != 0 or bool(((apart < 0) | (apart > most)).any()):
        raise damaged(name, f"starts that rise from 0 by at most {most}", "others")
    return int(starts[-1])


def _check_mask(name: str, layout: Layout, parts: Parts) -> None:
    """Count the bits of every row of tiles, none of which may lie outside of the matrix."""
    used = layout.used(0)["mask"]
    words = parts["mask"][:used].view(_widest(used // layout.down))
    total = np.uint32 if layout.across * layout.width * ROWS < 1 << 32 else np.uint64  # the narrower adds up faster
    counts = np.bitwise_count(words).reshape(layout.down, -1).sum(-1, dtype=total)
    if not np.array_equal(counts, np.diff(parts["starts"][: layout.down + 1])):
        raise damaged(name, "as many values as its mask has bits, row by row", "others")
    below, beside = _beyond(layout)
    tiles = parts["mask"][:used].reshape(layout.down, layout.across, -1)
    if bool((tiles[-1] & below).any() or (tiles[:, -1] & beside).any()):
        raise damaged(name, "no values beside the matrix", "some")


def _widest(nbytes: int) -> type[np.generic]:
    """Return the widest type that so many bytes are whole numbers of: wide words are counted faster."""
    return next(kind for kind in (np.uint64, np.uint32, np.uint16, np.uint8) if nbytes % np.dtype(kind).itemsize == 0)


@lru_cache(64)
def _beyond(layout: Layout) -> tuple[Array, Array]:
    """Return the bits of a tile that lie below the last row, in the last tiles down, and beside the last column."""
    place = np.arange(ROWS * layout.width)
    row, column = place // layout.lane % ROWS, place % layout.lane  # one lane: of masks, tiles have no other width
    rows, columns = layout.rows - (layout.down - 1) * ROWS, layout.columns - (layout.across - 1) * layout.width
    return np.packbits(row >= rows, bitorder="little"), np.packbits(column >= columns, bitorder="little")


def _check_index(name: str, layout: Layout, parts: Parts) -> None:
    """Let the blocks of a row of tiles rise from left to right, none twice and none beside the matrix."""
    starts = parts["starts"][: layout.down + 1]
    index = parts["index"][: starts[-1]].astype(np.int64)
    if bool((index >= layout.across).any()):
        raise damaged(name, f"blocks in {layout.across} columns of tiles", "one further right")
    first = np.zeros(len(index), bool)
    first[starts[:-1][np.diff(starts) > 0]] = True
    if bool((np.diff(index) <= 0)[~first[1:]].any()):
        raise damaged(name, "blocks that come from left to right", "others")
