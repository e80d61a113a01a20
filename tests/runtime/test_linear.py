import pytest
import torch

from secateur.checkpoint.packed import PackedWeight, pack
from secateur.errors import ModelError, RequestError
from secateur.runtime import Quantizer, SparseLinear
from sparse_weights import sparse


def packed(dtype: str = "I8", tile: tuple[int, int] = (16, 4)) -> PackedWeight:
    found = pack(sparse((32, 64), 0.7, tile=tile), outputs=0, dtype=dtype)
    assert found is not None
    return found


def test_axes_before_the_last_are_kept_and_so_is_the_precision() -> None:
    layer = SparseLinear(packed(), torch.randn(32), quantizer=Quantizer())
    tokens = torch.randn(2, 3, 64)
    found = layer(tokens)
    assert found.shape == (2, 3, 32)
    assert torch.equal(found.reshape(6, 32), layer(tokens.reshape(6, 64)))
    assert layer(tokens.bfloat16()).dtype == torch.bfloat16
    assert layer(torch.randn(0, 64)).shape == (0, 32)


def test_no_layer_sees_the_tokens_of_another_call() -> None:
    """The rounded tokens are shared between layers, but not over a change of them."""
    quantizer = Quantizer()
    one, other = (SparseLinear(packed(), None, quantizer=quantizer) for _ in range(2))
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


def test_tokens_that_two_layers_read_are_rounded_once() -> None:
    quantizer = Quantizer()
    tokens, layers = torch.randn(4, 64), [torch.nn.Identity() for _ in range(3)]
    found = [quantizer(tokens, layer) for layer in layers]
    assert found[0] is found[1] is found[2]
    assert quantizer(tokens, layers[1]) is not found[1]
    assert quantizer(torch.randn(4, 64), layers[2]) is not found[2]


def test_a_token_that_is_not_finite_is_not_finite_behind_it() -> None:
    tokens = torch.randn(3, 64)
    tokens[1, 7] = float("nan")
    found = SparseLinear(packed(), None, quantizer=Quantizer())(tokens)
    assert not torch.isfinite(found[1]).any()
    assert torch.isfinite(found[[0, 2]]).all()


def test_what_there_is_no_kernel_for_is_refused() -> None:
    for weight in (packed("F32"), packed(tile=(16, 1))):
        with pytest.raises(ModelError, match="integers behind a mask or in blocks of 16 x 4"):
            SparseLinear(weight, None, quantizer=Quantizer())


def test_it_has_no_gradients() -> None:
    layer = SparseLinear(packed(), None, quantizer=Quantizer())
    with pytest.raises(RequestError, match="has no gradients"):
        layer(torch.randn(1, 64, requires_grad=True))


def test_what_it_is_can_be_read() -> None:
    layer = SparseLinear(packed(), None, quantizer=Quantizer())
    assert repr(layer) == "SparseLinear(in_features=64, out_features=32, encoding=blocks)"
