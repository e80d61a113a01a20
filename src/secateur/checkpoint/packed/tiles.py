"""Matrices cut into tiles, in the order in which vector instructions read them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from secateur.checkpoint.packed.layout import ROWS, Layout

Array = npt.NDArray[Any]


def tiled(matrix: Array, layout: Layout) -> Array:
    """Cut a matrix (rows, columns) into tiles: (down, across, 16 * width), padded with zeros.

    Within a tile come first the first `lane` columns of all rows, row by row, then the next: each row's values fill a
    word, and 16 words a vector.

    >>> layout = Layout(encoding="blocks", shape=(16, 4), outputs=0, dtype="BF16", width=4)
    >>> tiled(np.arange(64).reshape(16, 4), layout)[0, 0, :6].tolist()
    [0, 1, 4, 5, 8, 9]
    """
    padded = np.pad(matrix, ((0, -layout.rows % ROWS), (0, -layout.columns % layout.width)))
    apart = padded.reshape(layout.down, ROWS, layout.across, layout.width // layout.lane, layout.lane)
    return apart.transpose(0, 2, 3, 1, 4).reshape(layout.down, layout.across, ROWS * layout.width)


def untiled(tiles: Array, layout: Layout) -> Array:
    """Put the matrix together again."""
    apart = tiles.reshape(layout.down, layout.across, layout.width // layout.lane, ROWS, layout.lane)
    padded = apart.transpose(0, 3, 1, 2, 4).reshape(layout.down * ROWS, layout.across * layout.width)
    return padded[: layout.rows, : layout.columns]
