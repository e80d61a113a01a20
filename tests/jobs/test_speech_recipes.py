"""The recipes for recognizers that come along run as they are written, on models and speech of seconds."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCTC, AutoModelForRNNT

from secateur.jobs.prune import prune
from secateur.recipes import load
from secateur.training import parakeet_transducer
from speech import SHAPE, TEXTS, processor, save_recognizer, write_manifest

SMALL = ("train.num_train_epochs=3", "train.bf16=false", "batch_seconds=2", "augment.speed=null", "bench=null")
TRANSDUCER = {"prediction_size": 16, "prediction_layers": 1, "durations": None, "dropout": 0.0}


@pytest.fixture(autouse=True)
def speech(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model and the speech that the recipes name."""
    for folder, part in (("an4", ""), ("fsdd", "strings_")):
        (tmp_path / folder).mkdir()
        for name, texts in (("train", TEXTS), ("dev", TEXTS[:2]), ("test", TEXTS[2:4])):
            write_manifest(tmp_path / folder / f"{part}{name}.jsonl", texts)
    save_recognizer(tmp_path / "models" / "parakeet-ctc-an4-digits")
    monkeypatch.setenv("SECATEUR_DATA", str(tmp_path))
    monkeypatch.setattr("secateur.jobs.measure.peak_rss_bytes", lambda folder, **_: 123_456_789)


def zeros(model: Any) -> float:
    """The share of zeros among the weights that may become zero."""
    weights = [
        w for n, w in model.named_parameters() if w.dim() > 1 and "subsampling" not in n and "embedding" not in n
    ]
    return 1 - sum(int(w.count_nonzero()) for w in weights) / sum(w.numel() for w in weights)


def test_zeros_in_a_conformer(tmp_path: Path) -> None:
    report = prune(load("csp-conformer", [*SMALL], verb="prune"), tmp_path / "out")
    assert report["target"]["reached"] == pytest.approx(0.2, abs=1e-4)  # of weights there are whole ones
    assert set(report["pruned"]["sets"]) == {"an4", "digits"}
    assert zeros(AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")) == pytest.approx(0.8, abs=0.01)


def test_zeros_in_a_transducer_and_its_lstm(tmp_path: Path) -> None:
    made = parakeet_transducer(**SHAPE, **TRANSDUCER, vocab_size=len(processor().tokenizer))
    made.save_pretrained(tmp_path / "dense")
    processor().save_pretrained(tmp_path / "dense")
    report = prune(load("csp-transducer", [f"model={tmp_path / 'dense'}", *SMALL], verb="prune"), tmp_path / "out")
    assert report["target"]["reached"] == pytest.approx(0.2, abs=1e-4)  # of weights there are whole ones
    small = AutoModelForRNNT.from_pretrained(tmp_path / "out" / "model")
    assert zeros(small) == pytest.approx(0.8, abs=0.01)
    assert int(small.decoder.lstm.weight_hh_l0.count_nonzero()) < small.decoder.lstm.weight_hh_l0.numel()
