import pytest
import torch

import tiny
from secateur.errors import ModelError
from secateur.runtime import SparseLinear, SparsePointwise, accelerate
from sparse_weights import zeroed
from speech import MELS, recognizer


def blocks(model):
    """Zero most tiles of 16 x 4 of every matrix."""
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, torch.nn.Linear):
                rows, columns = layer.weight.shape
                kept = torch.rand(-(-rows // 16), -(-columns // 4)) > 0.6
                layer.weight *= kept.repeat_interleave(16, 0)[:rows].repeat_interleave(4, 1)[:, :columns]
    return model.eval()


@pytest.mark.parametrize(
    ("zeros", "values", "error"),
    [(zeroed, "int8", 0.05), (blocks, "int8", 0.05), (blocks, "bf16", 0.02), (blocks, "fp32", 1e-5)],
)
def test_a_recognizer_hears_nearly_the_same(zeros, values: str, error: float) -> None:
    model = zeros(recognizer(hidden_size=32, intermediate_size=128))
    heard = torch.randn(1, 60, MELS)
    with torch.inference_mode():
        before = model(heard).logits
        assert accelerate(model, values=values) is model
        after = model(heard).logits
    assert any(isinstance(layer, SparseLinear) for layer in model.modules())
    assert (before - after).abs().max() < error * before.abs().max()


def test_a_language_models_layers_lie_the_other_way_round() -> None:
    model = zeroed(tiny.gpt2())
    tokens = torch.arange(6)[None]
    with torch.inference_mode():
        before = model(tokens).logits
        after = accelerate(model)(tokens).logits
    assert any(isinstance(layer, SparseLinear) for layer in model.modules())
    assert (before - after).abs().max() < 0.05 * before.abs().max()


def test_only_convolutions_that_reach_no_further_than_one_position_are_replaced() -> None:
    kinds = {
        "one": {},
        "three": {"kernel_size": 3},
        "every": {"stride": 2},
        "around": {"padding": 1},
        "apart": {"groups": 2},
    }
    model = torch.nn.ModuleDict(
        {name: torch.nn.Conv1d(64, 64, **{"kernel_size": 1, **kind}) for name, kind in kinds.items()}
    )
    accelerate(zeroed(model, 0.9))
    replaced = [name for name, layer in model.items() if isinstance(layer, SparsePointwise)]
    assert replaced == ["one"]


def test_dense_layers_stay_as_they_are() -> None:
    model = accelerate(tiny.ctc())
    assert not any(isinstance(layer, SparseLinear) for layer in model.modules())


def test_twice_is_refused() -> None:
    model = accelerate(zeroed(tiny.gpt2()))
    with pytest.raises(ModelError, match="must not be accelerated twice"):
        accelerate(model)


def test_weights_that_are_not_finite_are_refused() -> None:
    model = zeroed(tiny.ctc())
    with torch.no_grad():
        model.encoder.layers[0].feed_forward1.linear1.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"`encoder.layers.0.feed_forward1.linear1.weight` has not"):
        accelerate(model)
    assert not any(isinstance(layer, SparseLinear) for layer in model.modules())


def test_a_model_elsewhere_is_refused() -> None:
    with pytest.raises(ModelError, match="must lie on the CPU, but lies on meta"):
        accelerate(tiny.ctc().to("meta"))
