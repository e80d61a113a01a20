"""Which runtimes take what a plan leaves; the exporter and the kernels are the real ones."""

from pathlib import Path
from typing import Any

import pytest

from secateur.errors import MissingExtraError, ModelError, RequestError
from secateur.jobs import takers
from secateur.jobs.plan import plan
from secateur.recipes import recipe_from
from speech import fields, save_recognizer

BLOCKS: dict[str, Any] = {"granularity": "block", "allocation": "uniform", "target": {"sparsity": 0.5}}


def runtimes(folder: Path, *tried: str, **changed: Any) -> dict[str, Any]:
    recipe = recipe_from(fields(folder, **changed))
    return plan(recipe, runtimes=tried)["runtimes"]


def test_units_that_leave_are_multiplied_no_longer(tmp_path: Path) -> None:
    found = runtimes(tmp_path)
    assert 0 < found["torch"]["macs"] < 1
    assert found["sparse"]["layers"] == 0 < found["sparse"]["of"]
    assert "onnx" not in found


def test_blocks_that_are_zero_are_left_out_by_kernels_alone(tmp_path: Path) -> None:
    wide = str(save_recognizer(tmp_path / "wide", hidden_size=32, intermediate_size=64))
    found = runtimes(tmp_path, model=wide, **BLOCKS)
    assert found["torch"]["macs"] == 1
    assert 0 < found["sparse"]["layers"] <= found["sparse"]["of"]


def test_every_size_is_looked_at(tmp_path: Path) -> None:
    sizes = plan(recipe_from(fields(tmp_path, target=None, targets=[{"params": 0.9}, {"params": 0.8}])))["sizes"]
    first, second = (size["runtimes"]["torch"]["macs"] for size in sizes)
    assert 1 > first > second


def test_a_graph_is_exported_to_know_whether_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    assert runtimes(tmp_path, "onnx")["onnx"] == {"exports": True}

    def fail(*_: Any) -> Path:
        raise ModelError("a model for ONNX Runtime must be another")

    monkeypatch.setattr(takers, "to_onnx", fail)
    assert runtimes(tmp_path, "onnx")["onnx"] == {
        "exports": False,
        "reason": "a model for ONNX Runtime must be another",
    }


def test_kernels_that_are_not_installed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = MissingExtraError("numba", extra="runtime", purpose="sparse kernels are compiled")

    def fail() -> Any:
        raise absent

    monkeypatch.setattr(takers, "_kernels", fail)
    assert runtimes(tmp_path)["sparse"] == {"reason": str(absent)}


def test_an_unknown_runtime_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"`--runtime` must be one of torch, onnx, sparse, but is 'tensorrt'"):
        runtimes(tmp_path, "tensorrt", model=str(tmp_path / "none"))
