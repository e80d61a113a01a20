import pytest
import torch

from secateur.checkpoint.packed import PackedWeight, pack
from secateur.errors import RequestError
from secateur.runtime import Shared, SparseLinear, SparsePointwise, product
from sparse_weights import sparse


def packed(dtype: str = "I8", tile: tuple[int, int] = (16, 4)) -> PackedWeight:
    found = pack(sparse((32, 64), 0.7, tile=tile), outputs=0, dtype=dtype)
    assert found is not None
    return found


def test_axes_before_the_last_are_kept_and_so_is_the_precision() -> None:
    layer = SparseLinear(packed(), torch.randn(32))
    tokens = torch.randn(2, 3, 64)
    found = layer(tokens)
    assert found.shape == (2, 3, 32)
    assert torch.equal(found.reshape(6, 32), layer(tokens.reshape(6, 64)))
    assert layer(tokens.bfloat16()).dtype == torch.bfloat16
    assert layer(torch.randn(0, 64)).shape == (0, 32)


def test_no_layer_sees_the_tokens_of_another_call() -> None:
    """Arranged tokens are shared between layers, but not over a change of them."""
    one, other = SparseLinear(packed()), SparseLinear(packed())
    shared = Shared()
    one.share(shared)
    other.share(shared)
    tokens = torch.randn(4, 64)
    first = one(tokens)
    assert torch.equal(first, other(tokens))
    tokens *= 2.0
    assert torch.allclose(other(tokens), 2.0 * first)
    with torch.inference_mode():  # where changes are not counted
        inside = torch.randn(4, 64)
        before = one(inside)
        inside *= -1.0
        assert torch.allclose(one(inside), -before)


def test_tokens_that_layers_read_in_turn_are_arranged_once() -> None:
    shared, tokens = Shared(), torch.randn(4, 64)
    products = [product(packed(), None) for _ in range(3)]
    found = [shared(tokens, one) for one in products]
    assert found[0] is found[1] is found[2]
    assert shared(tokens, products[1]) is not found[1]
    assert shared(torch.randn(4, 64), products[2]) is not found[2]


def test_a_token_that_is_not_finite_is_not_finite_behind_it() -> None:
    tokens = torch.randn(3, 64)
    tokens[1, 7] = float("nan")
    found = SparseLinear(packed())(tokens)
    assert not torch.isfinite(found[1]).any()
    assert torch.isfinite(found[[0, 2]]).all()


def test_it_has_no_gradients() -> None:
    layer = SparseLinear(packed())
    with pytest.raises(RequestError, match="has no gradients"):
        layer(torch.randn(1, 64, requires_grad=True))


def test_what_it_is_can_be_read() -> None:
    layer = SparseLinear(packed())
    assert repr(layer) == "SparseLinear(64, 32, encoding=blocks, dtype=I8)"


def test_a_pointwise_convolution_is_a_linear_layer_at_each_position() -> None:
    weight = packed("F32", tile=(16, 1))
    bias, channels = torch.randn(32), torch.randn(2, 64, 7)
    want = torch.nn.functional.conv1d(channels, weight.values()[..., None], bias)
    found = SparsePointwise(SparseLinear(weight, bias))(channels)
    assert torch.allclose(found, want, atol=1e-5)
