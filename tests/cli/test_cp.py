from pathlib import Path

import pytest

from secateur.cli.cp import cp
from secateur.errors import RequestError
from secateur.recipes import load, load_sweep, shipped


def test_cp_copies_to_a_new_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cp("prune-half", tmp_path / "mine.yaml")
    assert (tmp_path / "mine.yaml").read_bytes() == shipped()["prune-half"].read_bytes()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "copied prune-half to" in captured.err


def test_cp_copies_into_a_folder_under_the_same_name(tmp_path: Path) -> None:
    cp("prune-half", tmp_path)
    assert load(tmp_path / "prune-half.yaml", verb="prune") == load("prune-half", verb="prune")


def test_cp_copies_a_sweep_too(tmp_path: Path) -> None:
    cp("demo-grid", tmp_path)
    assert load_sweep(tmp_path / "demo-grid.yaml") == load_sweep("demo-grid")


def test_cp_overwrites_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(RequestError, match=r"must be new, but .*mine\.yaml exists"):
        cp("prune-half", mine)
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "file", "fragment"),
    [("prune-hal", "mine.yaml", "did you mean prune-half"), ("prune-half", "no/mine.yaml", "create its folder first")],
)
def test_a_wrong_request_is_refused(name: str, file: str, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=fragment):
        cp(name, tmp_path / file)
