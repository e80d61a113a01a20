from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import secateur.onnx_graph
import tiny
from secateur.errors import MissingExtraError, ModelError
from secateur.evaluation import OnnxSession, as_linear, dummy_inputs
from secateur.onnx_graph import linear_layers_to_onnx, require_onnx, to_integers, to_onnx
from speech import recognizer


@pytest.fixture(autouse=True)
def installed() -> None:
    pytest.importorskip("onnxscript", reason="the extra `onnx` is not installed")
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")


def run(path: Path, inputs: dict[str, torch.Tensor], *, threads: int = 1) -> list[np.ndarray]:
    session = OnnxSession(path, threads=threads)
    return session(session.feed(inputs))


def test_a_recognizer_hears_the_same_at_any_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = recognizer()
    path = to_onnx(as_linear(model), dummy_inputs(model, length=0.7), tmp_path)
    small = to_integers(path)
    assert capsys.readouterr().out == ""
    for length in (0.3, 1.1):
        inputs = dummy_inputs(model, length=length)
        with torch.inference_mode():
            before = model(**inputs).logits.numpy()
        np.testing.assert_allclose(run(path, inputs)[0], before, atol=1e-5)
        assert np.abs(run(small, inputs)[0] - before).max() < 0.1 * np.abs(before).max()


def test_a_language_model_reads_the_same(tmp_path: Path) -> None:
    model = tiny.gpt2()
    path = to_integers(to_onnx(as_linear(model), dummy_inputs(model, length=5), tmp_path))
    inputs = dummy_inputs(model, length=8)
    with torch.inference_mode():
        before = model(**inputs).logits.numpy()
    assert np.abs(run(path, inputs)[0] - before).max() < 0.1 * np.abs(before).max()


def test_layers_side_by_side_have_ends_of_their_own(tmp_path: Path) -> None:
    layers = [nn.Linear(8, 12), nn.Linear(8, 12, bias=False)]
    path = linear_layers_to_onnx(layers, tmp_path / "layers.onnx")
    tokens = [torch.randn(3, 8), torch.randn(3, 8)]
    for file, error in ((path, 1e-5), (to_integers(path), 0.1)):
        found = run(file, {f"x{at}": one for at, one in enumerate(tokens)}, threads=2)
        for layer, one, out in zip(layers, tokens, found, strict=True):
            np.testing.assert_allclose(out, layer(one).detach().numpy(), atol=error)


def test_a_model_that_cannot_be_traced_is_refused_in_a_sentence(tmp_path: Path) -> None:
    model = recognizer()
    with pytest.raises(ModelError, match="must be one that `transformers` exports to ONNX, but ParakeetForCTC is not"):
        to_onnx(model, {"nothing": torch.zeros(1)}, tmp_path)


def test_a_missing_library_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    require_onnx()
    monkeypatch.setattr(secateur.onnx_graph, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"with `onnx`, which is not installed; run `pip install 'secateur\[onnx"
    ):
        require_onnx()
