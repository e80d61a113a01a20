import numpy as np
import pytest
import torch

from secateur.checkpoint.packed import pack
from secateur.runtime import SparseLinear
from secateur.runtime.floats import arrange
from secateur.runtime.groups import groups, padded
from sparse_weights import sparse

KINDS = [("F32", (16, 1)), ("F32", (16, 4)), ("BF16", (16, 1)), ("BF16", (16, 4)), ("I8", (16, 1))]


@pytest.mark.parametrize("count", [1, 2, 5, 9, 17, 21])
@pytest.mark.parametrize("shape", [(44, 70), (48, 101)], ids=str)
@pytest.mark.parametrize(("dtype", "tile"), KINDS)
def test_it_is_the_product(dtype: str, tile: tuple[int, int], shape: tuple[int, int], count: int) -> None:
    packed = pack(sparse(shape, 0.8, tile=tile), outputs=0, dtype=dtype)
    assert packed is not None
    assert (packed.layout.encoding, packed.layout.width) == ("blocks", tile[1])
    bias, tokens = torch.randn(shape[0]), torch.randn(count, shape[1])
    want = torch.nn.functional.linear(tokens.double(), packed.values().double(), bias.double())
    found = SparseLinear(packed, bias)(tokens)
    assert found.shape == want.shape
    assert (found - want).abs().max() <= 2e-6 * want.abs().max()


@pytest.mark.parametrize("count", [1, 3, 17])
def test_features_lie_one_behind_the_other_in_each_token_by_token(count: int) -> None:
    tokens = np.random.default_rng(0).standard_normal((count, 5)).astype(np.float32)
    x = arrange(tokens, 8)
    assert len(x) == padded(count) * 8
    done = 0
    for size in groups(count).tolist():
        group = x[done * 8 : (done + size) * 8].reshape(8, size)
        assert np.array_equal(group[:5, : count - done].T, tokens[done : done + size])
        assert not group[5:].any()
        assert not group[:, count - done :].any()
        done += size
