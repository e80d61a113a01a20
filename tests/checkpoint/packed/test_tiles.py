import numpy as np
import pytest

from secateur.checkpoint.packed import Layout
from secateur.checkpoint.packed.tiles import tiled, untiled


@pytest.mark.parametrize("dtype", ["I8", "BF16", "F32"])
@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("shape", [(16, 4), (1, 1), (17, 9), (48, 3)])
def test_every_value_lies_where_the_docs_say(dtype: str, width: int, shape: tuple[int, int]) -> None:
    layout = Layout(encoding="blocks", shape=shape, outputs=0, dtype=dtype, width=width)
    matrix = np.arange(1, shape[0] * shape[1] + 1).reshape(shape)
    tiles = tiled(matrix, layout)
    lane = layout.lane
    for row in range(shape[0]):
        for column in range(shape[1]):
            tile = tiles[row // 16, column // width]
            inside = column % width
            assert tile[inside // lane * 16 * lane + row % 16 * lane + inside % lane] == matrix[row, column]
    assert tiles.sum() == matrix.sum()
    assert np.array_equal(untiled(tiles, layout), matrix)
