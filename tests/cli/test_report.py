import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_the_page_is_written_again_and_for_several_runs(
    tmp_path: Path, recipe: Callable[..., str], secateur: Any
) -> None:
    runs = [tmp_path / name for name in ("one", "two")]
    assert secateur("prune", recipe(), "--out", runs[0]).code == 0
    shutil.copytree(runs[0], runs[1])
    page = (runs[0] / "report.html").read_text()
    (runs[0] / "report.html").unlink()
    said = secateur("report", runs[0])
    assert (said.code, said.out) == (0, f"{runs[0] / 'report.html'}\n")
    assert (runs[0] / "report.html").read_text() == page
    assert secateur("report", *runs, "--out", tmp_path / "both.html").code == 0
    both = (tmp_path / "both.html").read_text()
    assert "one" in both
    assert "two" in both


def test_a_folder_that_is_no_run_exits_2(tmp_path: Path, secateur: Any) -> None:
    said = secateur("report", tmp_path)
    assert said.code == 2
    assert "has no report.json; name a folder that `prune` wrote" in said.err
    (tmp_path / "report.json").write_text(json.dumps({"schema": 99}))
    assert "must be 1, but is 99" in secateur("report", tmp_path).err
    assert secateur("report", tmp_path / "none").code == 2
