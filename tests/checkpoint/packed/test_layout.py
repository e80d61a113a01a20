import numpy as np
import pytest

from secateur.checkpoint.packed import Layout
from secateur.checkpoint.packed.layout import layout_from
from secateur.errors import ModelError

FIELDS = {"encoding": "bitmask", "shape": [33, 70], "outputs": 0, "dtype": "I8", "width": 4}


def test_what_a_layout_says_is_read_back() -> None:
    layout = Layout(encoding="blocks", shape=(5, 7, 3), outputs=1, dtype="BF16", width=4)
    assert layout_from("w", layout.to_json()) == layout


def test_a_matrix_has_a_row_per_output_and_the_other_axes_side_by_side() -> None:
    layout = Layout(encoding="rows", shape=(5, 7, 3), outputs=1, dtype="F32")
    assert (layout.rows, layout.columns, layout.down, layout.across) == (7, 15, 1, 15)


@pytest.mark.parametrize(
    ("dtype", "width", "lane"),
    [("I8", 4, 4), ("I8", 1, 1), ("BF16", 4, 2), ("F16", 2, 2), ("F32", 4, 1), ("F64", 1, 1)],
)
def test_values_of_a_row_fill_words_of_four_bytes(dtype: str, width: int, lane: int) -> None:
    assert Layout(encoding="blocks", shape=(16, 4), outputs=0, dtype=dtype, width=width).lane == lane


def test_lengths_of_a_mask_by_hand() -> None:
    layout = layout_from("w", FIELDS)  # 3 x 18 tiles of 64 weights
    assert layout.used(100) == {"starts": 4, "mask": 3 * 18 * 8, "scales": 33, "values": 100}
    assert layout.lengths(100) == {"starts": 8, "mask": 448, "scales": 48, "values": 192}  # 100 + 64, to 64
    assert layout.nbytes(100) == 8 * 8 + 448 + 48 * 4 + 192


def test_lengths_of_blocks_by_hand() -> None:
    layout = Layout(encoding="blocks", shape=(33, 70), outputs=0, dtype="BF16", width=4)
    assert layout.lengths(5) == {"starts": 8, "index": 32, "values": 5 * 64}


def test_an_index_is_wide_where_there_are_more_tiles_than_16_bits_count() -> None:
    def kind(columns: int) -> type:
        return Layout(encoding="blocks", shape=(1, columns), outputs=0, dtype="I8", width=1).types()["index"]

    assert (kind(1 << 16), kind((1 << 16) + 1)) == (np.uint16, np.uint32)


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        (None, "the fields encoding"),
        ({**FIELDS, "more": 1}, "the fields encoding"),
        ({**FIELDS, "shape": []}, "a shape of numbers"),
        ({**FIELDS, "shape": [33, 0]}, "a shape of numbers"),
        ({**FIELDS, "shape": [33, True]}, "a shape of numbers"),
        ({**FIELDS, "shape": [1 << 40]}, "a shape of numbers"),
        ({**FIELDS, "shape": 33}, "a shape of numbers"),
        ({**FIELDS, "outputs": 2}, "an axis of outputs from 0 to 1"),
        ({**FIELDS, "outputs": "0"}, "an axis of outputs"),
        ({**FIELDS, "encoding": "zip"}, "one of rows, bitmask, blocks"),
        ({**FIELDS, "encoding": ["rows"]}, "one of rows, bitmask, blocks"),
        ({**FIELDS, "dtype": "I4"}, "one of F64"),
        ({**FIELDS, "width": 3}, "one of 1, 2, 4"),
        ({**FIELDS, "width": 1}, "tiles of 4 columns"),
    ],
)
def test_a_garbled_layout_is_a_sentence(fields: object, fragment: str) -> None:
    with pytest.raises(ModelError, match=fragment):
        layout_from("w", fields)
