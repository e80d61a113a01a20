import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCTC

from speech import spoil, write_manifest


def shell(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """`python -m secateur` in a process of its own, offline."""
    return subprocess.run(
        [sys.executable, "-m", "secateur", *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip


def test_from_the_shell_a_run_ends_in_a_table_a_page_and_a_model_that_loads(
    tmp_path: Path, recipe: Callable[..., str]
) -> None:
    write_manifest(tmp_path / "slow.jsonl", ["yes", "no"], rate=8000)
    done = shell("prune", recipe(), f"data.test={tmp_path / 'slow.jsonl'}", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert f"{report['pruned']['params']:,}" in done.stdout
    assert done.stderr.splitlines() == [
        "`0.wav` has 8000 Hz: resampled to 16000 Hz (said once)",
        f"page: {tmp_path / 'out' / 'report.html'}",
        f"model: {tmp_path / 'out' / 'model'}",
    ]
    assert (
        report["command"] == f"secateur prune {recipe()} data.test={tmp_path / 'slow.jsonl'} --out {tmp_path / 'out'}"
    )
    assert report["pruned"]["peak_rss_bytes"] > 50_000_000  # measured in a process of its own
    model = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")
    assert sum(parameter.numel() for parameter in model.parameters()) == report["pruned"]["params"]


def test_from_the_shell_all_problems_are_listed_at_once_and_nothing_is_written(
    tmp_path: Path, recipe: Callable[..., str]
) -> None:
    done = shell("prune", recipe(), "target.params=50", "shedule=cubic", "criterion=taylr", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "secateur: 3 problems:"
    assert all(line.startswith("  - `") for line in lines[1:])
    for advice in ("did you mean 0.5?", "did you mean `schedule`?", "did you mean taylor?"):
        assert advice in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_loss_that_becomes_nan_exits_1_and_keeps_the_last_good_state(
    tmp_path: Path, recipe: Callable[..., str], secateur: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, after=1)
    said = secateur("prune", recipe(), "train.max_steps=4", "--out", tmp_path / "out")
    assert (said.code, said.out) == (1, "")
    assert "secateur: the training loss must be a finite number, but is nan at step 2" in said.err
    assert "lower `train.learning_rate`" in said.err
    good = AutoModelForCTC.from_pretrained(tmp_path / "out" / "checkpoints" / "last-good")
    assert all(tensor.isfinite().all() for tensor in good.state_dict().values())


def test_a_folder_that_holds_something_is_refused_or_overwritten(
    tmp_path: Path, recipe: Callable[..., str], secateur: Any
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").touch()
    run = ("prune", recipe(), "--out", tmp_path / "out")
    said = secateur(*run)
    assert (said.code, said.out) == (2, "")
    assert "must be a new or empty folder" in said.err
    assert secateur(*run, "--resume", "--overwrite").code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]
    assert secateur(*run, "--overwrite").code == 0
    assert (tmp_path / "out" / "notes.txt").exists()


WRONG = [
    (["target.params=0.01"], "`target.params` must be at least"),
    (["target.params=100000"], "nothing to do"),
    (["model=./none"], "`model` must be a folder with `config.json` or a Hub id, but `./none` does not exist"),
    (["model=nobody/nothing"], "`nobody/nothing` is not"),
    (["data.test=./none.jsonl"], "manifest `none.jsonl` must be a file of JSON lines, but there is none"),
    (["granularity=heads"], "did you mean head?"),
    (["granularity=element", "target.bytes=0.5"], "`target.bytes` must go with units that leave whole"),
    (["target"], "an override must be `key=value`, as in `target.params=0.5`"),
    (["method=l0", "train.max_steps=0"], "`train` must have steps for the method l0"),
    (
        ["train.max_steps=1", "distill={teacher: ./none, logits: 1.0}"],
        "`distill.teacher` must be a folder with `config.json` or a Hub id",
    ),
    (
        ["train.max_steps=1", "distill={layers: fixed, taps: 9}"],
        "`distill.taps` must be at most the teacher's layers, but is 9",
    ),
    (["criterion=json:Nothing"], "has no attribute 'Nothing'"),
]


@pytest.mark.parametrize(("overrides", "fragment"), WRONG)
def test_a_wrong_request_exits_2_with_a_sentence_and_writes_nothing(
    overrides: list[str], fragment: str, tmp_path: Path, recipe: Callable[..., str], secateur: Any
) -> None:
    said = secateur("prune", recipe(), *overrides, "--out", tmp_path / "out")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("secateur: ")
    assert fragment in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "out").exists()
