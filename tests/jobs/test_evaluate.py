from pathlib import Path

import pytest

from secateur.errors import DataError, ModelError, RequestError
from secateur.evaluation import NORMALIZER_NAME, word_errors
from secateur.jobs.decoding import Decoding
from secateur.jobs.evaluate import evaluate
from secateur.jobs.transcribe import transcribe
from speech import TEXTS, save_recognizer, write_manifest
from texts import save_language_model, write_text


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return str(save_recognizer(folder / "one", seed=1)), str(save_recognizer(folder / "two", seed=2))


def manifest(path: Path, texts: tuple[str, ...] = TEXTS) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    return str(write_manifest(path, texts))


def test_one_set_gives_its_rates_and_their_normalizer(models: tuple[str, str], tmp_path: Path) -> None:
    data = manifest(tmp_path / "a.jsonl")
    report = evaluate(models[0], [data])
    heard = transcribe(models[0], sorted((tmp_path / "a").iterdir()))
    assert set(report) == {
        "model", "data", "wer", "wer_ci95", "cer", "utterances", "words", "normalizer", "seconds_of_audio",
    }  # fmt: skip
    expected = word_errors(TEXTS, heard)
    assert (report["wer"], report["cer"]) == (expected.wer, expected.cer)
    assert (report["utterances"], report["words"]) == (8, 12)
    assert report["normalizer"] == NORMALIZER_NAME
    assert report["seconds_of_audio"] == pytest.approx(
        sum(0.4 + 0.1 * len(t) + 0.01 * i for i, t in enumerate(TEXTS)), abs=0.1
    )


def test_several_sets_are_measured_together_and_apart(models: tuple[str, str], tmp_path: Path) -> None:
    one, two = manifest(tmp_path / "a.jsonl", TEXTS[:3]), manifest(tmp_path / "b.jsonl", TEXTS[3:])
    report = evaluate(models[0], [one, two])
    assert set(report["sets"]) == {"a", "b"}
    assert report["words"] == sum(rates["words"] for rates in report["sets"].values()) == 12
    edits = sum(rates["wer"] * rates["words"] for rates in report["sets"].values())
    assert report["wer"] == pytest.approx(edits / 12)


def test_sets_of_the_same_name_keep_their_paths(models: tuple[str, str], tmp_path: Path) -> None:
    data = [manifest(tmp_path / folder / "test.jsonl", TEXTS[:2]) for folder in ("a", "b")]
    assert set(evaluate(models[0], data)["sets"]) == set(data)


def test_against_another_model_the_difference_is_paired(models: tuple[str, str], tmp_path: Path) -> None:
    data = [manifest(tmp_path / "a.jsonl")]
    report = evaluate(models[0], data, against=models[1])
    assert report["against"]["model"] == models[1]
    assert report["comparison"]["wer_difference"] == pytest.approx(report["wer"] - report["against"]["wer"])
    same = evaluate(models[0], data, against=models[0])["comparison"]
    assert same == {"wer_difference": 0.0, "wer_difference_ci95": [0.0, 0.0], "p_value": 1.0}


def test_wrong_requests_are_refused(models: tuple[str, str], tmp_path: Path) -> None:
    data = manifest(tmp_path / "a.jsonl")
    with pytest.raises(DataError, match="there is none"):
        evaluate(models[0], [str(tmp_path / "none.jsonl")])
    with pytest.raises(ModelError, match=r"^`MODEL` must be a folder .* does not exist"):
        evaluate(str(tmp_path / "none"), [data])
    with pytest.raises(ModelError, match=r"^`--against` must be a folder .* does not exist"):
        evaluate(models[0], [data], against=str(tmp_path / "none"))
    lm = str(save_language_model(tmp_path / "lm"))
    with pytest.raises(ModelError, match=r"^`--against` must be a folder .* does not exist"):
        evaluate(lm, [str(write_text(tmp_path / "a.txt"))], against=str(tmp_path / "none"))
    with pytest.raises(ModelError, match=r"^`MODEL` must be a folder .* does not exist"):
        evaluate(str(tmp_path / "none"), [data], against=lm)
    with pytest.raises(ModelError, match=r"^`--against` must be what .* is the other"):
        evaluate(models[0], [data], against=lm)
    with pytest.raises(DataError, match="at least one word"):
        evaluate(models[0], [manifest(tmp_path / "b.jsonl", ("", ""))])


def test_a_language_model_is_named_once() -> None:
    twice = Decoding(lms=("a", "b", "a"), tune_on=("v",))
    with pytest.raises(RequestError, match="must name each language model once, but `a` is there twice"):
        evaluate("m", ["d"], decoding=twice)
