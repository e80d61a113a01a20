import shutil
from pathlib import Path

import pytest

from secateur.errors import DataError, RecipeError, TargetError
from secateur.jobs import cell as module
from secateur.jobs.cell import ERROR, Work, leave_error, reports_of, run
from secateur.recipes import recipe_from
from speech import fields


def work(folder: Path, **changed: object) -> Work:
    recipe = recipe_from(fields(folder, data={}, **changed))
    return Work(name="a", recipe=recipe, out=folder / "cells" / "a", command="secateur sweep x")


def test_a_cell_is_a_run_folder(tmp_path: Path) -> None:
    todo = work(tmp_path)
    assert reports_of(todo) == []
    assert run(todo) is None
    (report,) = reports_of(todo)
    assert report["command"] == "secateur sweep x"
    assert {path.name for path in todo.out.iterdir()} >= {"recipe.yaml", "plan.json", "model", "report.html"}


def test_a_cell_of_several_sizes_reports_each_the_largest_first_and_none_before_all_are_there(tmp_path: Path) -> None:
    todo = work(tmp_path, target=None, targets=[0.9, 0.8], criterion="magnitude", train={"max_steps": 0})
    assert run(todo) is None
    found = reports_of(todo)
    assert [report["target"]["kept"] for report in found] == pytest.approx([0.9, 0.8], abs=1e-3)
    assert [report["size"] for report in found] == ["params-0.9", "params-0.8"]
    (todo.out / "report.html").unlink()
    assert reports_of(todo) == []


def test_a_cell_that_lost_one_of_its_sizes_has_not_finished(tmp_path: Path) -> None:
    todo = work(tmp_path, target=None, targets=[0.9, 0.8], criterion="magnitude", train={"max_steps": 0})
    assert run(todo) is None
    shutil.rmtree(todo.out / "sizes" / "params-0.8")
    assert reports_of(todo) == []
    assert run(todo) is None
    assert [report["size"] for report in reports_of(todo)] == ["params-0.9", "params-0.8"]


def test_a_cell_that_fails_says_why_and_leaves_it_in_its_folder(tmp_path: Path) -> None:
    todo = work(tmp_path, target={"params": 0.01})
    told = run(todo)
    assert told is not None
    assert told.startswith("`target.params` must be at least")
    assert (todo.out / ERROR).read_text() == f"{told}\n"
    assert reports_of(todo) == []


def test_a_cell_that_succeeds_at_last_has_no_error_left(tmp_path: Path) -> None:
    todo = work(tmp_path)
    leave_error(todo, TargetError("earlier"))
    assert run(todo) is None
    assert not (todo.out / ERROR).exists()


def test_an_error_that_cannot_be_written_is_told_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    todo = work(tmp_path)
    monkeypatch.setattr(Path, "unlink", full)
    monkeypatch.setattr(Path, "write_text", full)
    assert run(todo) == "OSError: No space left on device"


def test_what_nobody_foresaw_fails_the_cell_with_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero\nand more")

    monkeypatch.setattr(module, "prune", breaks)
    todo = work(tmp_path)
    assert run(todo) == "ZeroDivisionError: by zero"
    text = (todo.out / ERROR).read_text()
    assert text.startswith("Traceback")
    assert text.endswith("ZeroDivisionError: by zero\nand more\n")


def test_somebody_who_interrupts_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "prune", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(work(tmp_path))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RecipeError(["one", "two"]), "2 problems:\n  - one\n  - two"),
        (ValueError(), "ValueError: "),
        (ValueError("half \ud800"), "ValueError: half \ud800"),
    ],
)
def test_every_error_can_be_left(error: Exception, told: str, tmp_path: Path) -> None:
    assert leave_error(work(tmp_path), error) == told


def test_a_report_that_is_no_report_is_said(tmp_path: Path) -> None:
    todo = work(tmp_path)
    todo.out.mkdir(parents=True)
    (todo.out / "report.json").write_text("{")
    with pytest.raises(DataError, match="must be JSON"):
        reports_of(todo)
