import json
from pathlib import Path
from typing import Any

import pytest

from speech import TEXTS, save_recognizer, write_manifest
from texts import SENTENCES, save_language_model, write_text


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    return [str(write_manifest(tmp_path / f"{name}.jsonl", TEXTS[:3])) for name in ("a", "b")]


def test_word_error_rates_are_a_table_and_numbers(tmp_path: Path, data: list[str], secateur: Any) -> None:
    model, other = (save_recognizer(tmp_path / f"m{seed}", seed=seed) for seed in (1, 2))
    said = secateur(
        "eval", model, "--data", data[0], "--data", data[1], "--against", other, "--json", tmp_path / "wer.json"
    )
    assert said.code == 0
    report = json.loads((tmp_path / "wer.json").read_text())
    assert f"{report['wer']:.2%}" in said.out
    assert str(other) in said.out
    assert [line.split()[1] for line in said.out.splitlines()[1:7]] == ["all", "a", "b"] * 2
    assert "difference: " in said.out
    assert "points (95 % interval" in said.out
    assert set(report) == {
        "model", "wer", "wer_ci95", "cer", "utterances", "words", "sets", "normalizer", "against", "comparison",
        "seconds_of_audio",
    }  # fmt: skip


def test_alone_there_is_no_difference(tmp_path: Path, data: list[str], secateur: Any) -> None:
    said = secateur("eval", save_recognizer(tmp_path / "m"), "--data", data[0])
    assert said.code == 0
    assert "difference" not in said.out


WRONG = [
    (["--decoder", "beam"], "beam search with language models is not built yet"),
    (["--lm", "gpt2"], "`--lm` absent"),
    (["--json", "/none/a.json"], "lies in a folder that does not exist"),
    (["--data", "/none.jsonl"], "there is none; check the path"),
    (["--against", "./none"], "does not exist"),
]


@pytest.mark.parametrize(("options", "fragment"), WRONG)
def test_a_wrong_request_exits_2(
    options: list[str], fragment: str, tmp_path: Path, data: list[str], secateur: Any
) -> None:
    said = secateur("eval", save_recognizer(tmp_path / "m"), "--data", data[0], *options)
    assert (said.code, said.out) == (2, "")
    assert fragment in said.err
    assert "Traceback" not in said.err


def test_perplexities_are_a_table_and_numbers(tmp_path: Path, secateur: Any) -> None:
    model, other = (save_language_model(tmp_path / f"m{seed}", seed=seed) for seed in (1, 2))
    texts = [write_text(tmp_path / f"{name}.txt", SENTENCES[:4]) for name in ("a", "b")]
    said = secateur("eval", model, "--data", texts[0], "--data", texts[1], "--against", other, "--json", tmp_path / "p")
    assert said.code == 0
    report = json.loads((tmp_path / "p").read_text())
    assert f"{report['perplexity']:.2f}" in said.out
    assert [line.split()[1] for line in said.out.splitlines()[1:7]] == ["all", "a", "b"] * 2
    assert "per word; each sentence by itself" in said.out
    assert f"perplexity times {report['comparison']['perplexity_ratio']:.4f} (95 % interval" in said.out
