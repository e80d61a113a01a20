"""What the rows of a comparison say together."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare

EXPERIMENT: dict[str, Any] = {
    "base": "dense",
    "seeds": [0],
    "more_seeds": {"dense": [0, 1], "ours": [0, 1]},
    "rivals": {"ours": ["theirs"], "late": ["ours"]},
    "rows": {"dense": {}, "theirs": {}, "ours": {}, "late": {}},
}


def cell(edits: list[int]) -> dict[str, Any]:
    model = {"params": 4, "nonzero_params": 4, "bytes": 16, "macs_per_audio_second": 1, "wer": sum(edits) / 40}
    return {"dense": model, "edits": {"test": {"edits": edits, "words": [10] * 4}}, "seconds": {"train": 1.0}}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("benchmarks.cells.RESULTS", tmp_path)
    (tmp_path / "some").mkdir()
    cells = {
        "dense-0": [1, 1, 2, 0],
        "dense-1": [0, 0, 0, 0],
        "theirs-0": [2] * 4,
        "ours-0": [1] * 4,
        "ours-1": [3] * 4,
    }
    for name, edits in cells.items():
        (tmp_path / "some" / f"{name}.json").write_text(json.dumps(cell(edits)))
    return tmp_path


def test_a_row_is_compared_with_the_base_and_its_rivals_on_the_seeds_that_both_have(results: Path) -> None:
    rows = compare.summary("some", EXPERIMENT)["rows"]
    assert rows["ours"]["wer_of_test"] == pytest.approx(0.2)
    assert list(rows) == ["dense", "theirs", "ours"]
    assert rows["ours"]["wer"] == pytest.approx(0.2)
    assert (rows["ours"]["seeds_compared"], rows["ours"]["ratio"]) == ([0, 1], 4.0)
    over = rows["ours"]["over"]["theirs"]
    assert (over["seeds_compared"], over["ratio"], over["wer_difference"]) == ([0], 0.5, pytest.approx(-0.1))
    assert over["p_value"] < 0.001
    assert "ratio" not in rows["dense"]


def test_a_row_that_shares_no_seed_with_another_is_not_compared(results: Path) -> None:
    (results / "some" / "theirs-0.json").unlink()
    assert compare.summary("some", EXPERIMENT)["rows"]["ours"]["over"] == {"theirs": {}}


def test_cells_without_a_result_are_missing_one_seed_after_the_other(results: Path) -> None:
    rows = {row: {"model": "m"} for row in EXPERIMENT["rows"]}
    [tasks] = compare.stages("some", {**EXPERIMENT, "shared": {}, "rows": rows})
    assert [task.label for task in tasks] == ["some: late, seed 0"]
