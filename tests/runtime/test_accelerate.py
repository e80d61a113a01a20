import sys
from pathlib import Path

import pytest
import torch

import tiny
from secateur.errors import ModelError, RequestError
from secateur.runtime import SparseLinear, SparsePointwise, accelerate, choices
from secateur.runtime.choice import Chosen
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
        assert accelerate(model, values=values, choose="sparse") is model
        after = model(heard).logits
    assert any(isinstance(layer, SparseLinear) for layer in model.modules())
    assert (before - after).abs().max() < error * before.abs().max()


def test_a_language_models_layers_lie_the_other_way_round() -> None:
    model = zeroed(tiny.gpt2())
    tokens = torch.arange(6)[None]
    with torch.inference_mode():
        before = model(tokens).logits
        after = accelerate(model, choose="sparse")(tokens).logits
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
    accelerate(zeroed(model, 0.9), choose="sparse")
    replaced = [name for name, layer in model.items() if isinstance(layer, SparsePointwise)]
    assert replaced == ["one"]


def test_dense_layers_stay_as_they_are() -> None:
    model = accelerate(tiny.ctc(), choose="sparse")
    assert not any(isinstance(layer, SparseLinear) for layer in model.modules())


def test_twice_is_refused() -> None:
    model = accelerate(zeroed(tiny.gpt2()), choose="sparse")
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


@pytest.mark.parametrize("tokens", [(), (0,), (1, -2)], ids=str)
def test_numbers_of_tokens_to_choose_for_are_at_least_one(tokens: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="`tokens` must be one or more numbers of at least 1"):
        accelerate(zeroed(tiny.gpt2()), tokens=tokens)


@pytest.fixture
def stopwatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Answer what is not known by heart: masks are fast for one token; list what was asked."""
    monkeypatch.setenv("SECATEUR_CACHE", str(tmp_path))
    asked: list[tuple[str, ...]] = []

    def seconds(layers, tokens):
        assert all(layer(tokens) is not None for layer in layers.values())
        asked.append(tuple(layers))
        fast = "mask int8" if tokens.numel() // 64 == 1 else "dense"
        return {name: 1.0 if name == fast else 2.0 for name in layers}

    monkeypatch.setattr(sys.modules["secateur.runtime.accelerate"], "seconds", seconds)
    return asked


def layers() -> torch.nn.Sequential:
    return zeroed(torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Conv1d(64, 64, 1), torch.nn.Linear(64, 64)))


def test_a_layer_holds_what_is_fastest_for_each_number_of_tokens(stopwatch) -> None:
    model = layers()[:1]
    dense, tokens = model[0], torch.randn(9, 64)
    accelerate(model, tokens=(1, 16))
    assert isinstance(model[0], Chosen)
    with torch.inference_mode():
        assert torch.equal(model(tokens), dense(tokens))
        assert not torch.equal(model(tokens[:2]), dense(tokens[:2]))
        assert torch.allclose(model(tokens[:2]), dense(tokens[:2]), atol=0.05)
    (choice,) = choices(model)
    assert choice.kernels == {1: "mask int8", 16: "dense"}
    assert choice.seconds["dense"] == {1: 2.0, 16: 1.0}
    assert choice.shape == (64, 64)
    assert choice.zeros == pytest.approx(0.8, abs=0.05)
    assert choice.nbytes > 4 * 64 * 64


def test_what_was_measured_once_is_known(stopwatch) -> None:
    model = accelerate(layers(), tokens=(1, 16))
    assert len(stopwatch) == 2  # three layers of nearly as many zeros, two numbers of tokens
    assert [set(choice.kernels) for choice in choices(model)] == [{1, 16}] * 3
    accelerate(layers(), tokens=(16, 1))
    assert len(stopwatch) == 2
    accelerate(layers(), tokens=(1, 4))
    assert len(stopwatch) == 3


def test_a_layer_for_which_dense_is_always_fastest_stays(stopwatch) -> None:
    model = layers()
    before = list(model)
    accelerate(model, tokens=(16,))
    assert list(model) == before
    assert [choice.kernels for choice in choices(model)] == [{16: "dense"}] * 3
    with pytest.raises(ModelError, match="must not be accelerated twice"):
        accelerate(model)


def test_a_convolution_counts_positions_as_tokens(stopwatch) -> None:
    model = layers()[1:2]
    dense, channels = model[0], torch.randn(2, 64, 9)
    accelerate(model, tokens=(1, 16))
    with torch.inference_mode():
        assert torch.equal(model(channels), dense(channels))
        assert not torch.equal(model(channels[:1, :, :1]), dense(channels[:1, :, :1]))


def test_what_is_not_accelerated_has_no_choices() -> None:
    assert choices(layers()) == ()
    sparse = accelerate(layers(), choose="sparse")
    assert [choice.kernels for choice in choices(sparse)] == [{1: "mask int8"}] * 3
    assert [dict(choice.seconds) for choice in choices(sparse)] == [{}] * 3


def test_the_real_stopwatch_chooses_something_that_hears_nearly_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SECATEUR_CACHE", str(tmp_path))
    model, tokens = blocks(layers()[:1]), torch.randn(3, 64)
    with torch.inference_mode():
        before = model(tokens)
        after = accelerate(model, tokens=(1, 16))(tokens)
    assert torch.allclose(before, after, atol=0.05)
    assert "16x4 int8" in choices(model)[0].seconds
