"""What runtimes make of what a plan leaves; the exporter, ONNX Runtime and the kernels' encodings are the real ones."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCTC

import tiny
from secateur.errors import MissingExtraError, ModelError, RequestError
from secateur.jobs import plan_runtimes
from secateur.jobs.contenders import sparse_layers
from secateur.jobs.plan import plan
from secateur.jobs.prune import prune
from secateur.recipes import recipe_from
from secateur.runtime import accelerate
from speech import LAYERS, fields, processor, save_recognizer
from texts import save_language_model, text_fields

BLOCKS: dict[str, Any] = {"granularity": "block", "allocation": "uniform", "target": {"sparsity": 0.5}}


def runtimes(folder: Path, *tried: str, **changed: Any) -> dict[str, Any]:
    recipe = recipe_from(fields(folder, **changed))
    return plan(recipe, runtimes=tried)["runtimes"]


def test_units_that_leave_are_multiplied_no_longer(tmp_path: Path) -> None:
    found = runtimes(tmp_path)
    assert 0 < found["torch"]["macs_kept"] < 1
    assert found["sparse"]["layers"] == 0 < found["sparse"]["of"]
    assert "onnx" not in found


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_blocks_that_are_zero_are_left_out_by_kernels_alone(dtype: torch.dtype, tmp_path: Path) -> None:
    wide = save_recognizer(tmp_path / "wide", hidden_size=32, intermediate_size=64)
    if dtype != torch.float32:
        AutoModelForCTC.from_pretrained(wide).to(dtype).save_pretrained(wide)
    found = runtimes(tmp_path, model=str(wide), include=["*feed_forward*"], **BLOCKS)
    assert found["torch"]["macs_kept"] == 1
    assert found["sparse"]["layers"] == LAYERS * 4  # two of two matrices
    assert found["sparse"]["of"] > LAYERS * 4


def test_matrices_of_a_transducers_lstm_count(tmp_path: Path) -> None:
    tiny.MODELS["rnnt"]().save_pretrained(tmp_path / "rnnt")
    processor().save_pretrained(tmp_path / "rnnt")
    found = runtimes(tmp_path, model=str(tmp_path / "rnnt"), granularity="element", target={"sparsity": 0.9})
    assert found["sparse"]["layers"] > 0


def test_a_language_model_has_them_too(tmp_path: Path) -> None:
    model = save_language_model(tmp_path / "lm", hidden_size=32, intermediate_size=128)
    found = plan(recipe_from(text_fields(tmp_path, model=str(model), criterion="magnitude", **BLOCKS)))["runtimes"]
    assert found["torch"]["macs_kept"] == 1
    assert found["sparse"]["layers"] > 0


def test_what_a_plan_counts_is_what_kernels_take(tmp_path: Path) -> None:
    wide = save_recognizer(tmp_path / "wide", hidden_size=32, intermediate_size=64)
    changed: dict[str, Any] = {"model": str(wide), "include": ["*feed_forward*"], **BLOCKS}
    prune(recipe_from(fields(tmp_path, **changed)), tmp_path / "out")
    found = accelerate(AutoModelForCTC.from_pretrained(tmp_path / "out" / "model").eval(), choose="sparse")
    assert sparse_layers(found) == runtimes(tmp_path, **changed)["sparse"]["layers"]


def test_every_size_is_looked_at(tmp_path: Path) -> None:
    sizes = plan(recipe_from(fields(tmp_path, target=None, targets=[{"params": 0.9}, {"params": 0.8}])))["sizes"]
    first, second = (size["runtimes"]["torch"]["macs_kept"] for size in sizes)
    assert 1 > first > second


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_graph_is_exported_and_run(dtype: torch.dtype, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    model = save_recognizer(tmp_path / "own")
    AutoModelForCTC.from_pretrained(model).to(dtype).save_pretrained(model)
    assert runtimes(tmp_path, "onnx", model=str(model))["onnx"] == {"runs": True}


def test_a_graph_that_cannot_be_had_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

    def fail(*_: Any) -> Path:
        raise ModelError("a model for ONNX Runtime must be another")

    monkeypatch.setattr(plan_runtimes, "to_onnx", fail)
    assert runtimes(tmp_path, "onnx")["onnx"] == {"runs": False, "reason": "a model for ONNX Runtime must be another"}


def test_kernels_that_are_not_installed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("secateur.runtime")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    found = runtimes(tmp_path)["sparse"]
    assert found == {"reason": str(MissingExtraError("numba", extra="runtime", purpose="sparse kernels are compiled"))}


def test_an_unknown_runtime_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"`--runtime` must be one of torch, onnx, sparse, but is 'tensorrt'"):
        runtimes(tmp_path, "tensorrt", model=str(tmp_path / "none"))
