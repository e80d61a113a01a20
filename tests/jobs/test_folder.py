import json
import os
from pathlib import Path

import pytest

from secateur.errors import RequestError
from secateur.jobs import folder
from secateur.recipes import Recipe, Target, dump, recipe_from

RECIPE = recipe_from({"model": "somewhere/model", "target": {"params": 0.5}, "seed": 1})


def claimed(out: Path, *, resume: bool = False, overwrite: bool = False, recipe: Recipe | None = None) -> Path:
    return folder.claim(out, resume=resume, overwrite=overwrite, recipe=recipe)


def test_a_new_and_an_empty_folder_may_be_claimed_and_nothing_is_created(tmp_path: Path) -> None:
    assert claimed(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert claimed(tmp_path) == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_holds_something_may_be_resumed_or_overwritten(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    assert claimed(tmp_path, resume=True) == tmp_path
    assert claimed(tmp_path, overwrite=True) == tmp_path


def full(tmp_path: Path) -> Path:
    (tmp_path / "something").touch()
    return tmp_path


def file(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    return tmp_path / "file"


def below_a_file(tmp_path: Path) -> Path:
    return file(tmp_path) / "out"


REFUSED = [
    (full, {}, "must be a new or empty folder, but"),
    (full, {}, "give `--resume` to go on, `--overwrite` to replace it"),
    (full, {"resume": True, "overwrite": True}, "`--resume` and `--overwrite` exclude each other"),
    (file, {}, "must be a folder, but"),
    (file, {"overwrite": True}, "is a file; choose another name"),
    (below_a_file, {}, "must be a folder that can be written to"),
]


@pytest.mark.parametrize(("make", "options", "fragment"), REFUSED)
def test_other_places_are_refused(make, options: dict[str, bool], fragment: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        claimed(make(tmp_path), **options)
    assert fragment in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RequestError, match="that can be written to"):
        claimed(tmp_path / "out")


def test_a_run_goes_on_with_the_recipe_that_it_began_with(tmp_path: Path) -> None:
    folder.begin(tmp_path, RECIPE, overwrite=False)
    assert claimed(tmp_path, resume=True, recipe=RECIPE) == tmp_path
    other = recipe_from({"model": "somewhere/model", "target": {"params": 0.4}, "seed": 1})
    with pytest.raises(RequestError, match=r"must be given the recipe that the run began with, but .*params: 0\.4"):
        claimed(tmp_path, resume=True, recipe=other)
    assert claimed(tmp_path, overwrite=True, recipe=other) == tmp_path


def test_until_there_is_a_report_what_is_measured_after_training_may_change(tmp_path: Path) -> None:
    folder.begin(tmp_path, RECIPE, overwrite=False)
    other = RECIPE.model_copy(update={"bench": None})
    assert claimed(tmp_path, resume=True, recipe=other) == tmp_path
    folder.begin(tmp_path, other, overwrite=False)
    assert (tmp_path / folder.RECIPE).read_text() == dump(other)
    (tmp_path / folder.REPORT).touch()
    with pytest.raises(RequestError, match=r"must be given the recipe that the run began with, but .*bench"):
        claimed(tmp_path, resume=True, recipe=RECIPE)


def test_nor_once_a_size_of_several_has_a_report(tmp_path: Path) -> None:
    family = RECIPE.model_copy(update={"target": None, "targets": (Target(params=0.8), Target(params=0.5))})
    folder.begin(tmp_path, family, overwrite=False)
    (tmp_path / folder.SIZES / "params-0.8").mkdir(parents=True)
    other = family.model_copy(update={"bench": None})
    assert claimed(tmp_path, resume=True, recipe=other) == tmp_path
    (tmp_path / folder.SIZES / "params-0.8" / folder.REPORT).touch()
    with pytest.raises(RequestError, match="must be given the recipe that the run began with"):
        claimed(tmp_path, resume=True, recipe=other)


def test_text_is_written_in_utf_8_whatever_the_machine_prefers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("io.text_encoding", lambda encoding, _=2: encoding or "ascii")
    other = RECIPE.model_copy(update={"model": "caf\u00e9/model"})
    folder.begin(tmp_path, other, overwrite=False)
    folder.write_json(tmp_path / "a.json", {"name": "caf\u00e9"})
    assert folder.read_json(tmp_path / "a.json") == {"name": "caf\u00e9"}
    assert claimed(tmp_path, resume=True, recipe=other) == tmp_path


def test_resuming_where_nothing_began_is_beginning(tmp_path: Path) -> None:
    assert claimed(tmp_path / "new", resume=True, recipe=RECIPE) == tmp_path / "new"


@pytest.mark.parametrize("place", ["model", "checkpoints/checkpoint-3"])
def test_a_run_never_overwrites_the_model_it_starts_from(place: str, tmp_path: Path) -> None:
    (tmp_path / place).mkdir(parents=True)
    recipe = recipe_from({"model": str(tmp_path / place), "target": {"params": 0.5}})
    with pytest.raises(RequestError, match="must not hold the model that the run starts from"):
        claimed(tmp_path, overwrite=True, recipe=recipe)
    assert claimed(tmp_path / "elsewhere", recipe=recipe)


def test_beginning_writes_the_recipe_as_resolved(tmp_path: Path) -> None:
    folder.begin(tmp_path / "a" / "b", RECIPE, overwrite=False)
    assert (tmp_path / "a" / "b" / folder.RECIPE).read_text() == dump(RECIPE)


def test_overwriting_deletes_what_runs_write_and_nothing_else(tmp_path: Path) -> None:
    ours = {"plan.json", "report.json", "report.html", "log.jsonl", "transcripts.jsonl", "surprise.jsonl"}
    for name in ours | {"notes.txt"}:
        (tmp_path / name).touch()
    for name in ("model", "checkpoints", "other"):
        (tmp_path / name / "deep").mkdir(parents=True)
    folder.begin(tmp_path, RECIPE, overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.yaml", "notes.txt", "other"}


def test_going_on_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("a line")
    folder.begin(tmp_path, RECIPE, overwrite=False)
    assert (tmp_path / "log.jsonl").read_text() == "a line"


def test_json_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    folder.write_json(path, {"text": "naïve", "n": 1})
    assert json.loads(path.read_text()) == {"text": "naïve", "n": 1}
    with pytest.raises(TypeError):
        folder.write_json(path, {"n": object()})
    assert json.loads(path.read_text()) == {"text": "naïve", "n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
