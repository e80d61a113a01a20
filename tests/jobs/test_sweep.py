import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secateur.errors import RecipeError, RequestError
from secateur.jobs import cell as cell_module
from secateur.jobs.prune import prune
from secateur.jobs.sweep import sweep
from secateur.recipes import cells, load, load_sweep, sweep_from
from speech import fields, recognizer, stopping
from texts import save_language_model, text_fields

GRID: dict[str, Any] = {"criterion": ["magnitude", "random"], "target.params": [0.8, 0.01]}
"""Nothing can become a hundredth: two of the four cells fail."""

NAMES = ["magnitude-params0.8", "magnitude-params0.01", "random-params0.8", "random-params0.01"]


def wanted(folder: Path, **changed: Any) -> Any:
    parts = {"recipe": fields(folder, data={}), "grid": GRID}
    return sweep_from({**parts, **changed})


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latency, words and the page of a cell are most of its time, and not what every test is about."""
    monkeypatch.setattr("secateur.jobs.artefact._measured", lambda *_: {})
    monkeypatch.setattr("secateur.jobs.artefact.render", lambda *_: None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cells that only write what they would; the list names those that were run."""
    ran: list[str] = []

    def pruned(recipe: Any, out: Path, **options: Any) -> dict[str, Any]:
        ran.append(out.name)
        if recipe.target.params < 0.1:
            raise RequestError("too small")
        report = {"schema": 1, "seed": recipe.seed, "pruned": {"wer": 0.1}, "comparison": {"params": 0.8}}
        out.mkdir(parents=True, exist_ok=True)
        (out / "recipe.yaml").write_text(f"model: {recipe.model}\n")
        (out / "report.json").write_text(json.dumps(report))
        return report

    monkeypatch.setattr(cell_module, "prune", pruned)
    monkeypatch.setattr("secateur.jobs.folder._check_same", lambda *_: None)
    return ran


def test_a_sweep_leaves_a_run_folder_per_cell_and_the_results(tmp_path: Path) -> None:
    found = sweep(wanted(tmp_path, also={"chance": {"criterion": "random", "round_to": 2}}), tmp_path / "out")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "cells", "sweep.yaml", "results.json", "results.md", "results.html",
    }  # fmt: skip
    assert json.loads((out / "results.json").read_text()) == found
    assert [entry["cell"] for entry in found] == [*NAMES, "chance"]
    assert {path.name for path in (out / "cells").iterdir()} == {*NAMES, "chance"}
    assert found[0]["axes"] == {"criterion": "magnitude", "target.params": 0.8}
    report = json.loads((out / "cells" / NAMES[0] / "report.json").read_text())
    assert found[0] == {"cell": NAMES[0], "axes": found[0]["axes"], **report}
    assert report["target"]["reached"] <= 0.8
    assert (out / "cells" / NAMES[0] / "report.html").is_file()
    assert f'href="cells/{NAMES[0]}/report.html"' in (out / "results.html").read_text()


@pytest.mark.usefixtures("unmeasured")
def test_a_cell_that_fails_is_reported_and_not_fatal(tmp_path: Path) -> None:
    found = sweep(wanted(tmp_path), tmp_path / "out")
    assert ["error" in entry for entry in found] == [False, True, False, True]
    assert set(found[1]) == {"cell", "axes", "seed", "error"}
    assert found[1]["error"].startswith("`target.params` must be at least")
    assert (tmp_path / "out" / "cells" / NAMES[1] / "error.txt").read_text().strip() == found[1]["error"]
    assert found[1]["error"] in (tmp_path / "out" / "results.md").read_text()


@pytest.mark.usefixtures("unmeasured")
def test_a_cell_is_the_prune_that_its_recipe_alone_would_be(tmp_path: Path) -> None:
    train = {"max_steps": 4, "learning_rate": 1e-3}
    base = fields(tmp_path, train=train, criterion="taylor")
    one = sweep_from({"recipe": base, "grid": {"target.params": [0.9, 0.8]}})
    sweep(one, tmp_path / "out")
    where = tmp_path / "out" / "cells" / "params0.8"
    prune(load(where / "recipe.yaml", verb="prune"), tmp_path / "alone")
    for file in ("plan.json", "model/model.safetensors", "recipe.yaml"):
        assert (where / file).read_bytes() == (tmp_path / "alone" / file).read_bytes(), file


@pytest.mark.usefixtures("unmeasured")
def test_a_sweep_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = {"max_steps": 6, "learning_rate": 1e-3, "save_strategy": "steps", "save_steps": 2}
    base = fields(tmp_path, train=train)
    one = sweep_from({"recipe": base, "grid": {"criterion": ["magnitude", "taylor"]}})
    sweep(one, tmp_path / "whole")
    sweep(sweep_from({"recipe": base, "grid": {"criterion": ["magnitude"]}}), tmp_path / "stopped")
    done = tmp_path / "stopped" / "cells" / "magnitude"
    before = stamps(done)
    with stopping(monkeypatch, after=5):
        prune(cells(one)[1].recipe, tmp_path / "stopped" / "cells" / "taylor")
    found = sweep(one, tmp_path / "stopped", resume=True)
    assert [entry["cell"] for entry in found] == ["magnitude", "taylor"]
    assert stamps(done) == before
    for file in ("plan.json", "model/model.safetensors"):
        stopped, whole = (tmp_path / out / "cells" / "taylor" / file for out in ("stopped", "whole"))
        assert stopped.read_bytes() == whole.read_bytes(), file


def test_resuming_runs_what_failed_or_is_new_and_nothing_else(tmp_path: Path, quick: list[str]) -> None:
    sweep(wanted(tmp_path), tmp_path / "out")
    assert quick == NAMES
    quick.clear()
    found = sweep(wanted(tmp_path, also={"more": {"round_to": 2}}), tmp_path / "out", resume=True)
    assert quick == [NAMES[1], NAMES[3], "more"]
    assert [entry["cell"] for entry in found] == [*NAMES, "more"]


def test_a_cell_whose_report_is_damaged_is_run_again(tmp_path: Path, quick: list[str]) -> None:
    sweep(wanted(tmp_path), tmp_path / "out")
    (tmp_path / "out" / "cells" / NAMES[2] / "report.json").write_text("{")
    quick.clear()
    found = sweep(wanted(tmp_path), tmp_path / "out", resume=True)
    assert quick == [NAMES[1], NAMES[2], NAMES[3]]
    assert "error" not in found[2]


@pytest.mark.usefixtures("unmeasured")
def test_several_sizes_of_a_cell_are_told_apart(tmp_path: Path) -> None:
    recipe = fields(tmp_path, data={}, target=None, targets=[0.9, 0.8], train={"max_steps": 0})
    found = sweep(sweep_from({"recipe": recipe, "grid": {"criterion": ["magnitude", "random"]}}), tmp_path / "out")
    assert [entry["axes"]["size"] for entry in found] == ["params-0.9", "params-0.8"] * 2
    assert "| magnitude | params-0.8 |" in (tmp_path / "out" / "results.md").read_text()


def test_results_are_written_after_every_cell(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    original = cell_module.prune

    def looking(recipe: Any, out: Path, **options: Any) -> dict[str, Any]:
        seen.append(len(json.loads((tmp_path / "out" / "results.json").read_text())))
        assert f"{len(seen) - 1}" in (tmp_path / "out" / "results.md").read_text()
        return original(recipe, out, **options)

    monkeypatch.setattr(cell_module, "prune", looking)
    sweep(wanted(tmp_path), tmp_path / "out")
    assert seen == [0, 1, 2, 3]


def test_overwriting_forgets_every_earlier_cell_at_once(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(wanted(tmp_path), tmp_path / "out")
    (tmp_path / "out" / "cells" / "notes.txt").touch()

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cell_module, "prune", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(wanted(tmp_path), tmp_path / "out", overwrite=True)
    left = {path.name for path in (tmp_path / "out" / "cells").rglob("*") if path.is_file()}
    assert left == {"notes.txt"}
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == []


def test_the_sweep_as_resolved_makes_the_same_cells_again(tmp_path: Path, quick: list[str]) -> None:
    one = wanted(tmp_path, seeds=[1, 2])
    sweep(one, tmp_path / "out")
    again = load_sweep(tmp_path / "out" / "sweep.yaml")
    assert [cell.recipe for cell in cells(again)] == [cell.recipe for cell in cells(one)]
    assert quick[:2] == ["magnitude-params0.8-seed1", "magnitude-params0.8-seed2"]


def test_seeds_and_language_models(tmp_path: Path) -> None:
    base = text_fields(tmp_path, model=str(save_language_model(tmp_path / "lm")), criterion="magnitude")
    base |= {"train": {"max_steps": 0}, "granularity": ["ffn_unit"], "schedule": "one_shot", "target": {"params": 0.97}}
    found = sweep(sweep_from({"recipe": base, "grid": {"criterion": ["magnitude", "random"]}}), tmp_path / "out")
    assert all(entry["pruned"]["perplexity"] > 1 for entry in found)
    page = (tmp_path / "out" / "results.html").read_text()
    assert "Perplexity by parameters that are not zero" in page
    assert "Perplexity by latency" in page


def inside(tmp_path: Path) -> Any:
    recognizer().save_pretrained(tmp_path / "out" / "cells" / "x" / "model")
    return wanted(tmp_path, recipe=fields(tmp_path, data={}, model=str(tmp_path / "out" / "cells" / "x" / "model")))


def full(tmp_path: Path) -> Any:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").touch()
    return wanted(tmp_path)


def begun(tmp_path: Path) -> Any:
    where = tmp_path / "out" / "cells" / NAMES[0]
    where.mkdir(parents=True)
    (where / "recipe.yaml").write_text("model: other\ntarget: {params: 0.8}\n")
    return wanted(tmp_path)


WRONG = [
    (full, {}, RequestError, "must be a new or empty folder"),
    (full, {"resume": True, "overwrite": True}, RequestError, "exclude each other"),
    (begun, {"resume": True}, RequestError, "must be given the recipe that the run began with"),
    (inside, {"overwrite": True}, RequestError, "`model` must lie outside of the sweep's own cells"),
]


@pytest.mark.parametrize(("make", "options", "kind", "fragment"), WRONG)
def test_a_wrong_request_runs_nothing(
    make: Any, options: dict[str, bool], kind: type, fragment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("secateur.jobs.sweep.run", never)
    one = make(tmp_path)
    with pytest.raises(kind) as caught:
        sweep(one, tmp_path / "out", **options)
    assert fragment in str(caught.value)


def test_a_sweep_that_was_made_by_hand_is_checked_too(tmp_path: Path) -> None:
    one = wanted(tmp_path).model_copy(update={"also": {"again": {"criterion": "random", "target.params": 0.8}}})
    with pytest.raises(RecipeError, match="are the same recipe"):
        sweep(one, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wrong_options_of_a_part_are_said_before_any_cell_trains(tmp_path: Path, quick: list[str]) -> None:
    criteria = ["magnitude", {"name": "taylor", "power": 2}]
    with pytest.raises(RecipeError, match="in `taylor-power2`: `criterion` must have options that `taylor` takes"):
        sweep(wanted(tmp_path, recipe=fields(tmp_path), grid={"criterion": criteria}), tmp_path / "out")
    assert quick == []
    assert not (tmp_path / "out").exists()


def test_a_cell_whose_folder_is_on_another_machine_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(works: Any) -> Iterator[Any]:
        yield from ((work, None) for work in works)

    monkeypatch.setattr("secateur.jobs.sweep._here", elsewhere)
    found = sweep(wanted(tmp_path), tmp_path / "out")
    assert all("must be one folder for all machines of the cluster" in entry["error"] for entry in found)
