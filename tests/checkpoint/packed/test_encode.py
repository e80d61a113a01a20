import numpy as np
import pytest
import torch

from secateur.checkpoint.packed import DTYPES, pack, sizes
from secateur.checkpoint.quantized import rounded
from sparse_weights import SHAPES, SHARES, sparse


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tile", [(1, 1), (16, 1), (16, 4)])
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_come_back_exactly(shape, share: float, tile, dtype: str) -> None:
    weight = sparse(shape, share, tile=tile)
    for outputs in range(min(2, len(shape))):
        packed = pack(weight, outputs=outputs, dtype=dtype)
        want = rounded(weight, outputs=outputs) if dtype == "I8" else weight.to(DTYPES[dtype][0])
        assert packed is None or torch.equal(packed.values(), want)


@pytest.mark.parametrize(
    ("dtype", "tile", "encoding", "width"),
    [
        ("F32", (1, 1), "bitmask", 1),
        ("BF16", (1, 1), "bitmask", 2),
        ("I8", (1, 1), "bitmask", 4),
        ("F32", (16, 1), "blocks", 1),
        ("F16", (16, 4), "blocks", 4),
        ("I8", (16, 1), "blocks", 1),
        ("I8", (16, 4), "blocks", 4),
    ],
)
def test_the_smallest_encoding_is_taken(dtype: str, tile, encoding: str, width: int) -> None:
    packed = pack(sparse((128, 256), 0.8, tile=tile), outputs=0, dtype=dtype)
    assert packed is not None
    assert (packed.layout.encoding, packed.layout.width) == (encoding, width)


def test_a_dense_weight_is_packed_only_as_integers() -> None:
    weight = sparse((32, 32), 0.0)
    assert pack(weight, outputs=0, dtype="F32") is None
    integers = pack(weight, outputs=0, dtype="I8")
    assert integers is not None
    assert integers.layout.encoding == "rows"


def test_what_is_predicted_of_a_size_is_what_the_parts_take() -> None:
    for tile in ((1, 1), (16, 1), (16, 4)):
        packed = pack(sparse((100, 300), 0.8, tile=tile), outputs=0, dtype="I8")
        assert packed is not None
        layout, parts = packed
        kept = int(parts["starts"][layout.down])
        assert layout.nbytes(kept) == sum(part.nbytes for part in parts.values())
        assert {part.nbytes % 64 for part in parts.values()} == {0}


def test_a_bit_of_the_mask_is_a_weight() -> None:
    """16 rows of 4 columns share 64 bits: row by row, the first the lowest."""
    weight = sparse((32, 80), 0.5)
    packed = pack(weight, outputs=0, dtype="I8")
    assert packed is not None
    assert packed.layout.encoding == "bitmask"
    integers, words = packed.values(), packed.parts["mask"].view(np.uint64).reshape(2, 20)
    for row in range(32):
        for column in range(80):
            bit = int(words[row // 16, column // 4]) >> (row % 16 * 4 + column % 4) & 1
            assert bit == (integers[row, column] != 0)


def test_a_zero_with_a_sign_is_a_zero() -> None:
    weight = sparse((64, 64), 0.9) * -1.0
    packed = pack(weight, outputs=0, dtype="F32")
    assert packed is not None
    assert torch.equal(packed.values(), weight)
    assert int(packed.parts["starts"][packed.layout.down]) == int(torch.count_nonzero(weight))


@pytest.mark.parametrize("encoding", [("rows", 1), ("bitmask", 4), ("blocks", 4), ("blocks", 1)], ids=str)
def test_an_encoding_can_be_asked_for_whatever_its_size(encoding: tuple[str, int]) -> None:
    weight = sparse((33, 70), 0.5)
    packed = pack(weight, outputs=0, dtype="I8", encoding=encoding)
    assert packed is not None
    assert packed.layout.encoding == encoding[0]
    smallest = pack(weight, outputs=0, dtype="I8")
    assert smallest is not None
    assert torch.equal(packed.matrix(), smallest.matrix())
    assert sizes(weight, outputs=0, dtype="I8")[encoding] == sum(part.nbytes for part in packed.parts.values())
