import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from browser import CHROMIUM, Numbers, leaves, opened
from secateur.data.demo import make
from secateur.errors import RequestError
from secateur.jobs.demo import CHECKPOINT, demo

SMALL = partial(make, train=24, valid=6, test=40)
QUICK = ("train.max_steps=4", "train.logging_steps=1", "batch_seconds=20", "bench.repeats=3")

MAX_CHECKPOINT_BYTES = 5_000_000
MAX_DENSE_WER = 0.10


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The demo, whole, on little speech and with few steps; the recognizer is the real one."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECATEUR_CACHE", str(folder / "cache"))
        return folder / "out", demo(folder / "out", corpus=SMALL, overrides=QUICK)


def test_the_checkpoint_that_comes_along_is_small() -> None:
    files = [path for path in Path(str(CHECKPOINT)).iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MAX_CHECKPOINT_BYTES


def test_it_recognizes_voices_and_sentences_that_it_was_not_trained_on(made: tuple[Path, dict[str, Any]]) -> None:
    assert made[1]["dense"]["wer"] <= MAX_DENSE_WER


def test_half_of_it_is_gone_to_the_unit(made: tuple[Path, dict[str, Any]]) -> None:
    _, report = made
    assert report["target"]["reached"] <= 0.5
    assert report["pruned"]["params"] == pytest.approx(report["dense"]["params"] / 2, rel=1e-3)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_its_page_opens_without_a_complaint_and_shows_the_numbers_of_the_report(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder = made[0] / "pruned"
    document, complaints = opened(folder / "report.html", tmp_path / "profile")
    assert complaints == []
    shown = Numbers(document).values["1"]
    report = leaves(json.loads((folder / "report.json").read_text()))
    assert shown == {key: report[key] for key in shown}
    assert {"dense.wer", "pruned.wer", "pruned.params", "comparison.speedup.median"} <= set(shown)


def test_a_second_demo_in_the_same_folder_asks_first(made: tuple[Path, dict[str, Any]]) -> None:
    with pytest.raises(RequestError, match="--overwrite"):
        demo(made[0], corpus=SMALL, overrides=QUICK)
