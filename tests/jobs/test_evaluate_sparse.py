"""Accuracy of accelerated models: each kind runs, and hears and reads nearly what PyTorch does."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCTC, AutoProcessor, set_seed

import recognizers
from secateur.errors import ModelError
from secateur.jobs import contenders
from secateur.jobs.decoding import Decoding
from secateur.jobs.evaluate import evaluate
from secateur.runtime import SparseLinear
from secateur.training import parakeet_transducer
from sparse_weights import zeroed
from speech import SHAPE, TEXTS, processor, recognizer, save_recognizer, write_manifest
from texts import language_model, save_language_model, tokenizer, write_text

DATA = Path(os.environ.get("SECATEUR_DATA", "../shared/data"))


def parakeet(folder: Path) -> str:
    zeroed(recognizer(hidden_size=32, intermediate_size=64)).save_pretrained(folder)
    processor().save_pretrained(folder)
    return str(folder)


def wav2vec2(folder: Path) -> str:
    recognizers.wav2vec2_conformer(folder)
    zeroed(AutoModelForCTC.from_pretrained(folder)).save_pretrained(folder)
    return str(folder)


def transducer(folder: Path) -> str:
    set_seed(0)
    prediction = {"prediction_size": 32, "prediction_layers": 1, "durations": None, "dropout": 0.0}
    made = parakeet_transducer(**{**SHAPE, "hidden_size": 32}, **prediction, vocab_size=len(processor().tokenizer))
    zeroed(made).save_pretrained(folder)
    processor().save_pretrained(folder)
    return str(folder)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """List how many sparse layers models had that were accelerated."""
    found: list[int] = []

    def counted(model: Any) -> int:
        found.append(sum(isinstance(layer, SparseLinear) for layer in model.modules()))
        return found[-1]

    monkeypatch.setattr(contenders, "sparse_layers", counted)
    return found


@pytest.mark.parametrize("make", [parakeet, wav2vec2, transducer])
def test_recognizers_are_heard_on_sparse_kernels(make: Callable[[Path], str], tmp_path: Path, ran: list[int]) -> None:
    model = make(tmp_path / "m")
    data = [str(write_manifest(tmp_path / "a.jsonl", TEXTS[:3]))]
    report = evaluate(model, data, runtime="sparse", against=model)
    assert report["runtime"] == "sparse"
    assert "runtime" not in report["against"]
    assert ran[0] > 0
    assert abs(report["comparison"]["wer_difference"]) <= 0.5


def test_a_language_model_reads_on_sparse_kernels(tmp_path: Path, ran: list[int]) -> None:
    zeroed(language_model(hidden_size=32, intermediate_size=64)).save_pretrained(tmp_path / "m")
    tokenizer().save_pretrained(tmp_path / "m")
    model = str(tmp_path / "m")
    report = evaluate(model, [str(write_text(tmp_path / "a.txt"))], runtime="sparse", against=model)
    assert ran[0] > 0
    assert report["comparison"]["perplexity_ratio"] == pytest.approx(1, abs=0.02)


def test_a_beam_searches_what_sparse_kernels_heard(tmp_path: Path, ran: list[int]) -> None:
    model = parakeet(tmp_path / "m")
    data = [str(write_manifest(tmp_path / "a.jsonl", TEXTS[:2]))]
    decoding = Decoding(decoder="beam", nbest=4)
    report = evaluate(model, data, runtime="sparse", against=model, decoding=decoding)
    assert (report["runtime"], report["decoder"]) == ("sparse", "beam")
    once = len(ran)
    assert once
    evaluate(model, data, decoding=decoding)
    assert len(ran) == once


def test_a_model_without_zeros_is_refused(tmp_path: Path) -> None:
    data = [str(write_manifest(tmp_path / "a.jsonl", TEXTS[:2]))]
    for model in (save_recognizer(tmp_path / "m"), save_recognizer(tmp_path / "n")):
        with pytest.raises(ModelError, match="no layer of"):
            evaluate(str(model), data, runtime="sparse")
    text = str(write_text(tmp_path / "a.txt"))
    with pytest.raises(ModelError, match="must be for a model with zeros that pay"):
        evaluate(str(save_language_model(tmp_path / "lm")), [text], runtime="sparse")


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "models").is_dir(), reason="no real speech: set SECATEUR_DATA")
def test_real_speech_is_recognized_as_well_as_in_pytorch(tmp_path: Path) -> None:
    dense = DATA / "models" / "parakeet-ctc-an4-digits"
    zeroed(AutoModelForCTC.from_pretrained(dense), 0.3).save_pretrained(tmp_path)
    AutoProcessor.from_pretrained(dense).save_pretrained(tmp_path)
    report = evaluate(str(tmp_path), [str(DATA / "an4" / "test.jsonl")], runtime="sparse", against=str(tmp_path))
    assert abs(report["comparison"]["wer_difference"]) < 0.02
