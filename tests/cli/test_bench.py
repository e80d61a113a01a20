import json
from pathlib import Path
from typing import Any

import pytest

from speech import save_recognizer
from texts import save_language_model

FEW = ["--seconds", "0.3", "--seconds", "0.6", "--repeats", "2"]


def test_latencies_are_a_table_speedups_sentences_and_all_of_it_json(tmp_path: Path, secateur: Any) -> None:
    small, large = save_recognizer(tmp_path / "small"), save_recognizer(tmp_path / "large", intermediate_size=48)
    said = secateur("bench", small, "--against", large, *FEW, "--json", tmp_path / "bench.json")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split() == ["model", "runtime", "threads", "input", "median", "p90", "speed"]
    assert sum(str(small) in line for line in lines) == sum(str(large) in line for line in lines) == 2
    assert sum("times as fast (95 % interval" in line for line in lines) == 2
    report = json.loads((tmp_path / "bench.json").read_text())
    assert set(report) == {"device", "model", "against", "speedups"}
    assert [row["audio_seconds"] for row in report["model"]["latencies"]] == [0.3, 0.6]


def test_a_model_alone_has_no_speedup(tmp_path: Path, secateur: Any) -> None:
    said = secateur("bench", save_recognizer(tmp_path / "m"), "--seconds", "0.3", "--repeats", "2")
    assert said.code == 0
    assert "times as fast" not in said.out


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["./none"], "does not exist"),
        (["./none", "--runtime", "tensorrt"], "must be one of torch, onnx, sparse, but is 'tensorrt'"),
        (
            ["./none", "--threads", "1", "--threads", "2"],
            "must be given once without `--runtime`, but is given as 1, 2",
        ),
        (["./none", "--json", "/none/a.json"], "lies in a folder that does not exist"),
    ],
)
def test_a_wrong_request_exits_2(arguments: list[str], fragment: str, secateur: Any) -> None:
    said = secateur("bench", *arguments)
    assert (said.code, said.out) == (2, "")
    assert fragment in said.err


def test_texts_are_told_in_tokens(tmp_path: Path, secateur: Any) -> None:
    one, other = (save_language_model(tmp_path / f"m{seed}", seed=seed) for seed in (0, 1))
    said = secateur("bench", one, "--against", other, "--tokens", "8", "--repeats", "2")
    assert said.code == 0
    assert sum("8 tokens" in line and "tokens/s" in line for line in said.out.splitlines()) == 2
    assert "8 tokens: " in said.out


def test_runtimes_are_two_more_tables(tmp_path: Path, secateur: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.jobs.runtimes.bytes_per_second", lambda threads: 1e10)
    monkeypatch.setattr("secateur.jobs.runtimes.TOKENS", (1,))
    model, file = save_recognizer(tmp_path / "m"), tmp_path / "bench.json"
    said = secateur("bench", model, "--runtime", "sparse", "--seconds", "0.3", "--repeats", "2", "--json", file)
    assert said.code == 0
    assert "layers" in said.out
    assert "whole model" in said.out
    report = json.loads(file.read_text())
    assert set(report) == {"device", "model", "runtimes"}
    assert {row["threads"] for row in report["runtimes"]["whole"]} <= {1, 2}
