import copy

import pytest
import torch
from torch import nn

import tiny
from secateur.evaluation import as_linear, bytes_read, dense, parameters
from secateur.evaluation.dense import Pointwise, is_pointwise
from speech import MELS, recognizer


def heard(model, dtype=torch.float32):
    torch.manual_seed(1)
    with torch.inference_mode():
        return model(torch.randn(1, 60, MELS).to(dtype)).logits.float()


@pytest.mark.parametrize(("weights", "error"), [("fp32", 0.0), ("bf16", 0.05), ("int8", 0.1)])
def test_every_form_hears_nearly_the_same(weights: str, error: float) -> None:
    model = recognizer(hidden_size=32, intermediate_size=128)
    before = heard(model)
    made = dense(model, weights)
    after = heard(made, torch.bfloat16 if weights == "bf16" else torch.float32)
    assert (before - after).abs().max() <= error * before.abs().max()
    assert torch.equal(heard(model), before)


def test_integers_are_in_every_linear_layer_whatever_its_name() -> None:
    for model in (recognizer(), tiny.gpt2()):
        names = {type(layer).__name__ for layer in dense(model, "int8").modules()}
        assert "DynamicQuantizedLinear" in names or "Linear" in names
        assert not any(type(layer) is nn.Linear for layer in dense(model, "int8").modules())
        assert not any(type(layer).__name__ == "Conv1D" for layer in dense(model, "int8").modules())


def test_pointwise_convolutions_are_linear_layers_at_every_position() -> None:
    model = nn.Sequential(nn.Conv1d(5, 7, 1), nn.Conv1d(7, 4, 1, bias=False), nn.Conv1d(4, 4, 3, padding=1))
    made = as_linear(model)
    assert [type(layer) for layer in made] == [Pointwise, Pointwise, nn.Conv1d]
    sound = torch.randn(2, 5, 9)
    torch.testing.assert_close(made(sound), model(sound))


def test_layers_that_lie_the_other_way_round_are_turned() -> None:
    model = tiny.gpt2()
    inputs = {name: value.clone() for name, value in tiny.tokens().items()}
    torch.testing.assert_close(tiny.output(as_linear(copy.deepcopy(model)), inputs), tiny.output(model, inputs))


@pytest.mark.parametrize("changed", [{"kernel_size": 3}, {"stride": 2}, {"padding": 1}, {"groups": 2}])
def test_a_convolution_that_does_more_is_not_pointwise(changed: dict[str, int]) -> None:
    assert not is_pointwise(nn.Conv1d(4, 4, **{"kernel_size": 1, **changed}))


def test_bytes_are_those_of_the_weights_that_are_multiplied() -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 6), nn.LayerNorm(6), nn.Conv1d(6, 6, 3))
    linear, bias, others = 24, 6, 12 + 6 * 6 * 3 + 6
    assert bytes_read(model, "fp32") == 4 * (linear + bias + others)
    assert bytes_read(model, "bf16") == 2 * (linear + bias + others)
    assert bytes_read(model, "int8") == linear + 4 * (bias + others)


def test_a_tied_embedding_is_read_by_the_output_layer() -> None:
    model = tiny.gpt2()
    table = model.transformer.wte.weight.numel()
    positions = model.transformer.wpe.weight.numel()
    assert bytes_read(model, "fp32") == 4 * (parameters(model) - positions)
    assert bytes_read(model, "bf16") == 2 * (parameters(model) - positions)
    assert bytes_read(model, "fp32") > 4 * table
