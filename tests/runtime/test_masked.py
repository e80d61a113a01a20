import pytest
import torch

from secateur.checkpoint.packed import pack
from secateur.runtime import SparseLinear
from sparse_weights import sparse

SHAPES = [(44, 70), (48, 101), (1, 200), (200, 1), (5, 3)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 16, 17, 21])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_it_is_the_product(dtype: str, shape: tuple[int, int], count: int) -> None:
    packed = pack(sparse(shape, 0.6), outputs=0, dtype=dtype, encoding=("bitmask", 1 if dtype == "F32" else 2))
    assert packed is not None
    bias, tokens = torch.randn(shape[0]), torch.randn(count, shape[1])
    want = torch.nn.functional.linear(tokens.double(), packed.values().double(), bias.double())
    found = SparseLinear(packed, bias)(tokens)
    assert found.shape == want.shape
    assert (found - want).abs().max() <= 2e-6 * want.abs().max()


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_all_or_nothing_may_be_there(dtype: str, share: float) -> None:
    weight = sparse((33, 70), 0.5)
    weight[:16] = sparse((16, 70), share)
    packed = pack(weight, outputs=0, dtype=dtype, encoding=("bitmask", 1 if dtype == "F32" else 2))
    assert packed is not None
    tokens = torch.randn(3, 70)
    want = tokens.double() @ packed.values().double().T
    assert (SparseLinear(packed)(tokens) - want).abs().max() <= 2e-6 * want.abs().max()
