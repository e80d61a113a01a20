"""The recipes for language models that come along run as they are written, on a model and texts of seconds."""

import gzip
from pathlib import Path

import pytest

from secateur import tasks
from secateur.errors import DataError
from secateur.jobs.prune import prune
from secateur.jobs.sweep import sweep
from secateur.recipes import load, load_sweep
from speech import TEXTS, save_recognizer, write_manifest
from texts import SENTENCES, save_language_model

SMALL = ("train.max_steps=4", "train.bf16=false", "batch_tokens=120", "max_tokens=40")


@pytest.fixture
def dense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model, and the texts that the recipes name."""
    for name in ("books", "tatoeba_en", "ljspeech_text"):
        for part in ("train", "test"):
            path = tmp_path / "lm_text" / name / f"{part}.txt.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress("".join(f"{sentence}\n" for sentence in SENTENCES).encode()))
    monkeypatch.setenv("SECATEUR_DATA", str(tmp_path))
    return save_language_model(tmp_path / "dense", hidden_size=32, intermediate_size=128)


def test_a_family_of_sizes(dense: Path, tmp_path: Path) -> None:
    sizes = "targets=[0.9, 0.8, 0.7, 0.6]"  # an embedding is most of a small model, and stays
    recipe = load("lm-low-rank-family", [f"model={dense}", *SMALL, sizes], verb="prune")
    made = prune(recipe, tmp_path / "out")["sizes"]
    assert [one["target"]["kept"] for one in made] == pytest.approx([0.9, 0.8, 0.7, 0.6], abs=1e-3)
    assert all(one["target"]["reached"] <= one["target"]["kept"] for one in made)


def test_a_grid(dense: Path, tmp_path: Path) -> None:
    smaller = [
        "grid.target.params=[0.8]",
        "grid.criterion={magnitude: {criterion: magnitude, allocation: uniform}, movement: {criterion: movement}}",
        "without=[{criterion: movement, schedule: one-shot}]",
        "also={}",
        "rescore=null",
    ]
    wanted = load_sweep("lm-grid", [f"model={dense}", *SMALL, *smaller])
    found = sweep(wanted, tmp_path / "out")
    assert len(found) == 3 * (2 + 1)
    assert [cell["cell"] for cell in found if "error" in cell] == []
    assert all(cell["pruned"]["perplexity"] > 1 for cell in found)


@pytest.fixture
def an4(tmp_path: Path) -> None:
    """A recognizer and the speech that the recipes name."""
    pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")
    save_recognizer(tmp_path / "models" / "parakeet-ctc-an4-digits", seed=2)
    (tmp_path / "an4").mkdir()
    for part, texts in {"test": TEXTS[:4], "dev": TEXTS[4:]}.items():
        write_manifest(tmp_path / "an4" / f"{part}.jsonl", texts)


@pytest.mark.usefixtures("an4")
def test_half_of_a_model_within_a_recognizer(dense: Path, tmp_path: Path) -> None:
    recipe = load("lm-rescoring", [f"model={dense}", *SMALL, "target.params=0.8"], verb="prune")
    report = prune(recipe, tmp_path / "out")
    assert report["target"]["reached"] <= 0.8
    assert report["rescored"]["comparison"].keys() == {"wer_difference", "wer_difference_ci95", "p_value"}


@pytest.mark.usefixtures("an4")
def test_a_grid_that_cannot_be_rescored_is_said_once(dense: Path, tmp_path: Path) -> None:
    (tmp_path / "an4" / "dev.jsonl").unlink()
    with pytest.raises(DataError, match=r"dev\.jsonl"):
        sweep(load_sweep("lm-grid", [f"model={dense}", *SMALL]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("an4")
def test_a_grid_judges_within_a_recognizer(dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smaller = ["grid.target.params=[0.8]", "grid.criterion={taylor: {criterion: taylor}}", "also={}", "without=[]"]
    smaller += ["grid.method={structured: {granularity: [head, ffn_unit], allocation: cost_aware}}"]
    wanted, searched = load_sweep("lm-grid", [f"model={dense}", *SMALL, *smaller]), []
    real = tasks.decoded.search
    monkeypatch.setattr("secateur.jobs.rescore.search", lambda *a, **k: (searched.append(a[1].name), real(*a, **k))[1])
    found = sweep(wanted, tmp_path / "out")
    assert searched == ["rescore.tune_on", "rescore.data"]  # for both cells
    assert [set(cell["rescored"]) >= {"dense", "pruned", "oracle", "comparison"} for cell in found] == [True] * 2
    assert "WER rescored" in (tmp_path / "out" / "results.md").read_text()
    (tmp_path / "an4" / "dev.jsonl").unlink()
    assert sweep(wanted, tmp_path / "out", resume=True) == found  # what is done needs no speech


def test_zeros_in_a_language_model(dense: Path, tmp_path: Path) -> None:
    report = prune(load("csp-lm", [f"model={dense}", *SMALL], verb="prune"), tmp_path / "out")
    assert report["target"]["reached"] == pytest.approx(0.2, abs=1e-4)
    assert report["pruned"]["nonzero_params"] < report["pruned"]["params"]
