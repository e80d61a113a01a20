import pytest
import torch

from secateur.checkpoint.packed import pack
from secateur.errors import ModelError
from secateur.runtime import multipliable, product
from secateur.runtime.product import BlockProduct, IntegerProduct, MaskedProduct
from sparse_weights import sparse

KINDS = [
    ("I8", (1, 1), IntegerProduct),
    ("I8", (16, 4), IntegerProduct),
    ("I8", (16, 1), BlockProduct),
    ("BF16", (16, 4), BlockProduct),
    ("F32", (16, 1), BlockProduct),
    ("F32", (1, 1), MaskedProduct),
    ("BF16", (1, 1), MaskedProduct),
    ("F16", (1, 1), None),
    ("F16", (16, 4), None),
]


@pytest.mark.parametrize(("dtype", "tile", "kind"), KINDS)
def test_every_kind_of_weight_has_its_product_or_is_refused(dtype: str, tile: tuple[int, int], kind) -> None:
    weight = pack(sparse((64, 128), 0.8, tile=tile), outputs=0, dtype=dtype)
    assert weight is not None
    assert multipliable(weight) == (kind is not None)
    if kind is None:
        with pytest.raises(ModelError, match="of a kind that there is a kernel for"):
            product(weight, None)
    else:
        assert isinstance(product(weight, None), kind)


def test_a_weight_too_wide_for_its_places_is_refused() -> None:
    weight = pack(sparse((16, 70000), 0.9, tile=(16, 1)), outputs=0, dtype="F32")
    assert weight is not None
    assert not multipliable(weight)


def test_products_of_one_kind_share_arranged_tokens() -> None:
    """And of different kinds they do not."""

    def kind(dtype: str, tile: tuple[int, int], columns: int = 128) -> tuple:
        weight = pack(sparse((64, columns), 0.8, tile=tile), outputs=0, dtype=dtype)
        assert weight is not None
        return product(weight, None).kind

    assert kind("I8", (1, 1)) == kind("I8", (16, 4)) != kind("I8", (16, 1))
    assert kind("F32", (16, 4)) == kind("BF16", (16, 1)) == kind("F32", (1, 1)) == kind("BF16", (1, 1))
    assert kind("F32", (16, 4), 127) != kind("F32", (16, 1), 127)  # padded to whole blocks


def test_no_tokens_are_no_rows() -> None:
    weight = pack(sparse((64, 128), 0.8), outputs=0, dtype="I8")
    assert weight is not None
    made = product(weight, None)
    empty = torch.zeros(0, 128).numpy()
    assert made(made.arrange(empty), 0).shape == (0, 64)
