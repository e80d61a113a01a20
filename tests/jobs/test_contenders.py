from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

import secateur.onnx_graph
from secateur.errors import MissingExtraError, RequestError
from secateur.evaluation import bytes_read, dummy_inputs
from secateur.jobs import contenders as module
from secateur.jobs.contenders import check_runtimes, contenders, sparse_bytes, stacked
from sparse_weights import zeroed
from speech import recognizer


@pytest.fixture(autouse=True)
def with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64", "avx512_f": True})


def blocks(layer: nn.Linear) -> nn.Linear:
    """Keep every other tile of 16 x 4."""
    with torch.no_grad():
        rows, columns = layer.weight.shape
        kept = torch.arange(rows // 16 * (columns // 4)).reshape(rows // 16, columns // 4) % 2 == 0
        layer.weight *= kept.repeat_interleave(16, 0).repeat_interleave(4, 1)
    return layer


def test_dense_forms_come_first_and_sparse_ones_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_size = partial(module._on_sparse_kernels, choose="sparse")  # and not by the clock
    monkeypatch.setattr(module, "_on_sparse_kernels", by_size)
    model = zeroed(recognizer(hidden_size=32, intermediate_size=128))
    forms = contenders(model, ("sparse",), tmp_path)
    assert [form.name for form in forms] == ["torch fp32", "torch bf16", "torch int8", "sparse int8"]
    assert [form.sparse_layers is None for form in forms] == [True, True, True, False]
    assert forms[3].sparse_layers
    inputs = dummy_inputs(model, length=0.5)
    with torch.inference_mode():
        found = [form.prepare(inputs, 1)().logits.float() for form in forms]
    for one in found[1:]:
        assert (one - found[0]).abs().max() < 0.1 * found[0].abs().max()
    fp32, bf16, int8, sparse = (form.nbytes for form in forms)
    assert fp32 == bytes_read(model, "fp32") == 2 * bf16
    assert sparse < int8 < bf16


def test_what_is_told_of_kernels_is_of_as_many_threads_as_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accelerate = module._on_sparse_kernels

    def by_threads(model: nn.Module) -> nn.Module:
        return accelerate(model, choose="sparse") if torch.get_num_threads() == 1 else model.float()

    monkeypatch.setattr(module, "_on_sparse_kernels", by_threads)
    sparse = contenders(zeroed(recognizer(hidden_size=32, intermediate_size=128)), ("sparse",), tmp_path)[-1]
    one, two = sparse.at(1), sparse.at(2)
    assert one.sparse_layers == sparse.sparse_layers
    assert one.sparse_layers
    assert two.sparse_layers == 0
    assert one.nbytes < two.nbytes
    assert sparse.at(2) is two


def test_bfloat16_is_no_form_where_it_is_emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64", "avx512_f": False})
    assert [form.name for form in contenders(recognizer(), ("torch",), tmp_path)] == ["torch fp32", "torch int8"]


def test_a_stack_of_layers_has_the_same_forms(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    layers = [blocks(nn.Linear(64, 32)) for _ in range(3)]
    forms = stacked(layers, ("onnx", "sparse"), tmp_path)
    assert [form.name for form in forms] == ["torch fp32", "torch bf16", "torch int8", "onnx int8", "sparse int8"]
    tokens = torch.randn(5, 64)
    with torch.inference_mode():
        found = [[torch.as_tensor(y).float() for y in form.prepare({"tokens": tokens}, 1)()] for form in forms]
        for outputs in found:
            for layer, one in zip(layers, outputs, strict=True):
                assert (one - layer(tokens)).abs().max() < 0.1
    assert forms[-1].sparse_layers == 3


def test_what_an_accelerated_layer_reads_is_its_parts(tmp_path: Path) -> None:
    [*_, form] = stacked([blocks(nn.Linear(64, 32, bias=False))], ("sparse",), tmp_path)
    kept = 32 * 64 // 2
    assert kept < form.nbytes < 2 * kept
    assert sparse_bytes(nn.Sequential(nn.Linear(4, 4, bias=False))) == 64


def test_a_runtime_that_is_unknown_or_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    check_runtimes(("torch", "sparse"))
    with pytest.raises(RequestError, match="must be one of torch, onnx, sparse, but is 'tensorrt'"):
        check_runtimes(("torch", "tensorrt"))
    monkeypatch.setattr(secateur.onnx_graph, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="onnx"):
        check_runtimes(("onnx",))
