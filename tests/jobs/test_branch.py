"""A small model on its way; whole runs with branches: test_sizes.py and test_prune.py."""

from pathlib import Path
from typing import Any

import pytest

from secateur.jobs import folder
from secateur.jobs.branch import Branch, begin, finish
from secateur.jobs.prune import prune
from secateur.jobs.run import Run, read
from secateur.recipes import recipe_from
from speech import fields

TRAIN = {"max_steps": 3, "learning_rate": 1e-3, "save_strategy": "no"}


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.jobs.artefact._measured", lambda *_: {})
    monkeypatch.setattr("secateur.jobs.artefact.render", lambda *_: None)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    recipe = recipe_from(fields(tmp_path, schedule="one_shot", criterion="magnitude", train=TRAIN))
    return read(recipe, tmp_path / "out", resume=False, command="test")


def begun(run: Run) -> Branch:
    branch = Branch(run.out)
    run.cut_at_once()
    begin(run, branch, run.model, run.pruning.method.finish(), run.pruning.method.budget, step=7)
    return branch


def test_what_was_cut_lies_there_with_its_size_and_place(run: Run) -> None:
    assert not Branch(run.out).begun
    branch = begun(run)
    assert branch.begun
    assert not branch.done
    assert branch.point["step"] == 7
    count = sum(parameter.numel() for parameter in run.task.load(str(branch.start)).parameters())
    assert branch.point["target"]["reached_absolute"] == count
    assert (run.out / folder.PLAN).is_file()


def test_a_branch_half_written_has_not_begun(run: Run) -> None:
    branch = begun(run)
    (branch.start / "point.json").unlink()
    assert not branch.begun


@pytest.mark.usefixtures("unmeasured")
def test_a_branch_that_is_done_is_not_trained_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = begun(run)
    first = finish(run, branch, run.recipe)
    assert branch.done
    monkeypatch.setattr("secateur.jobs.branch.fit", _never)
    assert finish(run, branch, run.recipe) == first


@pytest.mark.usefixtures("unmeasured")
def test_a_branch_whose_report_is_damaged_is_measured_again(tmp_path: Path) -> None:
    recipe = recipe_from(fields(tmp_path, schedule="one_shot", criterion="magnitude", train=TRAIN))
    first = prune(recipe, tmp_path / "out")
    report = tmp_path / "out" / folder.REPORT
    report.write_text(report.read_text()[:40])
    assert not Branch(tmp_path / "out").done
    assert prune(recipe, tmp_path / "out", resume=True)["target"] == first["target"]
    assert Branch(tmp_path / "out").done


@pytest.mark.usefixtures("unmeasured")
def test_a_run_killed_after_the_cut_goes_on_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_from(fields(tmp_path, schedule="one_shot", criterion="magnitude", train=TRAIN))
    with monkeypatch.context() as killed:
        killed.setattr("secateur.jobs.branch.fit", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            prune(recipe, tmp_path / "out")
    assert Branch(tmp_path / "out").begun
    monkeypatch.setattr("secateur.jobs.run.Run.cut_at_once", _never)
    report = prune(recipe, tmp_path / "out", resume=True)
    assert report["target"] == Branch(tmp_path / "out").point["target"]


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("this has been done already")


def _interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt
