import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Write = Callable[..., str]


@pytest.fixture
def grid(tmp_path: Path, recipe: Callable[..., str]) -> Write:
    """A sweep file over a tiny recognizer; fields of the sweep may be overridden."""

    def write(**changed: Any) -> str:
        path = tmp_path / "sweep.yaml"
        parts = {"recipe": recipe(data={}), "grid": {"criterion": ["magnitude", "random"]}, **changed}
        path.write_text(yaml.safe_dump(parts))
        return str(path)

    return write


def test_a_sweep_ends_in_a_table_and_says_where_the_page_lies(
    tmp_path: Path, grid: Write, secateur: Any, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    said = secateur("sweep", grid(), "seeds=[5]", "target.params=0.9", "--out", out)
    assert said.code == 0, said.err
    assert [name in said.out for name in ("magnitude-seed5", "random-seed5", "speed-up")] == [True] * 3
    assert caplog.messages == ["cell 1 of 2: magnitude-seed5", "cell 2 of 2: random-seed5"]
    assert said.err.splitlines() == [f"page: {out / 'results.html'}", f"results: {out / 'results.json'}"]
    results = json.loads((out / "results.json").read_text())
    assert [entry["target"]["kept"] for entry in results] == pytest.approx([0.9, 0.9])
    assert {entry["command"] for entry in results} == {
        f"secateur sweep {tmp_path / 'sweep.yaml'} 'seeds=[5]' target.params=0.9 --out {out}"
    }


def test_a_cell_that_fails_exits_1_once_the_others_are_done(
    tmp_path: Path, grid: Write, secateur: Any, caplog: pytest.LogCaptureFixture
) -> None:
    run = ("sweep", grid(grid={"target.params": [0.01, 0.8]}), "--out", tmp_path / "out")
    said = secateur(*run)
    assert said.code == 1
    assert "params0.8 " in said.out
    last = said.err.splitlines()[-2:]
    assert last[0] == "secateur: cells that failed: 1; `--resume` tries them again"
    assert last[1].startswith("  - params0.01: `target.params` must be at least")
    again = secateur(*run, "--resume")
    assert again.code == 1
    assert caplog.messages[-1] == "cell 1 of 1: params0.01"
    assert again.out == said.out
    assert secateur(*run).code == 2


WRONG: list[tuple[dict[str, Any], list[str], str]] = [
    ({"grid": {"criterion": ["magnitude", {"name": "magnitude"}]}}, [], "two would be called `magnitude`"),
    ({"also": {"again": {"criterion": "random"}}}, [], "`random` and `again` are the same recipe"),
    ({"grid": {"criterion": ["magnitud"]}}, [], "did you mean magnitude?"),
    ({"gird": {}}, [], "`gird` is not a field of a sweep; did you mean `grid`?"),
    ({"recipe": "prune-hal"}, [], "did you mean prune-half?"),
    ({}, ["criterion=taylor"], "`grid.criterion` sets that in each"),
    ({}, ["--cpus-per-cell", "2"], "`--cpus-per-cell` must go with `--on ray`"),
    ({}, ["--address", "auto"], "`--address` must go with `--on ray`"),
    ({}, ["--on", "ray"], "with `ray`, which is not installed; run `pip install 'secateur[ray]'`"),
    ({}, ["--on", "mars"], "is not one of 'here', 'ray'"),
    ({}, ["--resume", "--overwrite"], "exclude each other"),
]


@pytest.mark.parametrize(("changed", "arguments", "fragment"), WRONG)
def test_a_wrong_request_exits_2_with_a_sentence_and_writes_nothing(
    changed: dict[str, Any],
    arguments: list[str],
    fragment: str,
    tmp_path: Path,
    grid: Write,
    secateur: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = secateur("sweep", grid(**changed), *arguments, "--out", tmp_path / "out")
    assert (said.code, said.out) == (2, "")
    assert fragment in " ".join(said.err.replace("│", " ").split())
    assert "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "fragment"),
    [("demo-gri", "did you mean demo-grid?"), ("prune-half", "that is a recipe: `secateur prune prune-half")],
)
def test_a_sweep_that_does_not_exist_is_a_sentence(source: str, fragment: str, tmp_path: Path, secateur: Any) -> None:
    said = secateur("sweep", source, "--out", tmp_path / "out")
    assert said.code == 2
    assert fragment in said.err
