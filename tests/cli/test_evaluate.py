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
        "model", "data", "wer", "wer_ci95", "cer", "utterances", "words", "sets", "normalizer", "against", "comparison",
        "seconds_of_audio",
    }  # fmt: skip


def test_alone_there_is_no_difference(tmp_path: Path, data: list[str], secateur: Any) -> None:
    said = secateur("eval", save_recognizer(tmp_path / "m"), "--data", data[0])
    assert said.code == 0
    assert "difference" not in said.out


WRONG = [
    (["--lm", "gpt2"], "`--lm` must come with `--tune-on MANIFEST`"),
    (["--lm-weight", "1"], "are for language models"),
    (["--nbest", "3"], "is 3 with `--decoder greedy`"),
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


def test_every_way_of_decoding_is_a_row(tmp_path: Path, data: list[str], secateur: Any) -> None:
    pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")
    model, lm = save_recognizer(tmp_path / "m", seed=2), write_text(tmp_path / "words.txt", TEXTS)
    (tmp_path / "valid").mkdir()
    valid = write_manifest(tmp_path / "valid" / "valid.jsonl", TEXTS[3:])
    said = secateur("eval", model, "--data", data[0], "--lm", lm, "--tune-on", valid, "--nbest", 8, "--json",
                    tmp_path / "lm.json")  # fmt: skip
    assert (said.code, said.err) == (0, "")
    report = json.loads((tmp_path / "lm.json").read_text())
    title, _, *rows = (line.strip() for line in said.out.splitlines())
    assert title == str(model)
    assert [row.split()[0] for row in rows[:4]] == ["greedy", "beam", "rescoring", "oracle"]
    for row, numbers in zip(rows[:4], (report["greedy"], report, report["lms"][0], report["oracle"]), strict=True):
        assert f"{numbers['wer']:.2%}" in row
    assert f"{report['lms'][0]['lm_weight']:.2f}  " in rows[2]
    assert f"{report['lms'][0]['word_bonus']:+.2f}" in rows[2]
    assert f"tuned on {valid}" in said.out


def test_weights_may_be_given(tmp_path: Path, data: list[str], secateur: Any) -> None:
    pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")
    model, lm = save_recognizer(tmp_path / "m", seed=2), write_text(tmp_path / "words.txt", TEXTS)
    given = ("--lm-weight", 0.5, "--word-bonus", -1, "--decoder", "beam", "--nbest", 8)
    said = secateur("eval", model, "--data", data[0], "--data", data[1], "--lm", lm, "--against", model, *given)
    assert said.code == 0
    table = said.out.splitlines()[:15]
    assert said.out.splitlines()[15:30] == table
    assert [line.split()[0] for line in table[2:14:3]] == ["greedy", "beam", "fusion", "oracle"]
    assert "difference: +0.00 points" in said.out
    assert "0.50" in said.out
    assert "LM weight and word bonus as given" in said.out
