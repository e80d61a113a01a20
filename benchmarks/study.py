"""The grid of a sweep as committed cells, trained models beside it, and what follows from them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import findings
from benchmarks.cells import RESULTS, Task, folder_of, result_of, run_cell, write
from secateur.jobs.folder import MODEL
from secateur.jobs.rescore import rescored
from secateur.recipes import Recipe, Rescore, cells, load_sweep, recipe_from, sweep_from

TOGETHER = 8
"""How many language models read the lists that a recognizer made at once."""

AT_ONCE = 8
"""How many are trained before they do: what is measured is then not far behind what is trained."""


class Wanted(NamedTuple):
    """A cell: its row, where it stands on the axes, and its recipe."""

    row: str
    axes: Mapping[str, Any]
    recipe: Recipe


def missing(name: str, experiment: Mapping[str, Any]) -> bool:
    """Whether a cell has no result yet, or none within the recognizer; models need not be here to know."""
    return bool(_open(name, experiment))


def stages(name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
    """Give the cells that are missing, one seed of every row before the next seed; what is trained reads lists then."""
    wanted = _open(name, experiment)
    trained: list[Wanted] = []
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        yield [*_lists(name, experiment, trained), *_trainings(name, some)]
        trained = some
    yield _lists(name, experiment, trained)


def _trainings(name: str, some: Sequence[Wanted]) -> list[Task]:
    return [
        Task(f"{name}: {one.row}, seed {one.recipe.seed}", partial(run_cell, name, one.row, one.recipe))
        for one in some
        if not (_result(name, one) and _model(name, one).is_dir())
    ]


def _lists(name: str, experiment: Mapping[str, Any], some: Sequence[Wanted]) -> list[Task]:
    there = [one for one in some if _model(name, one).is_dir()] if "rescore" in experiment else []
    parts = [there[start : start + TOGETHER] for start in range(0, len(there), TOGETHER)]
    needs = frozenset(experiment.get("needs_later", ()))
    return [
        Task(f"{name}: lists, {part[0].row} and on", partial(_rescore, name, experiment, part), needs) for part in parts
    ]


def summarize(name: str, experiment: Mapping[str, Any]) -> None:
    """Write what the cells say together, as far as they are there."""
    write(RESULTS / f"{name}.json", summary(name, experiment))


def summary(name: str, experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return one entry per row over its seeds, and what the grid says to the paper's findings."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for wanted in wanted_cells(experiment):
        result = _result(name, wanted)
        if result:
            found.setdefault(wanted.row, []).append({**result, "axes": wanted.axes})
    dense = found.get(findings.DENSE, ())
    rivals = experiment.get("rivals", {})
    rows = {
        row: {
            **findings.row(results),
            "over_dense": findings.against(results, dense) if dense else None,
            "over": {rival: findings.against(results, found[rival]) for rival in rivals.get(row, ()) if rival in found},
        }
        for row, results in found.items()
    }
    return {"experiment": name, "rows": rows, "findings": findings.all_of(found)}


def wanted_cells(experiment: Mapping[str, Any]) -> list[Wanted]:
    """Return the sweep's cells and the rows beside it, with every seed that each is to have; a seed after the other."""
    given, overrides = experiment["sweep"], experiment.get("overrides", [])
    sweep = load_sweep(given, overrides) if isinstance(given, str) else sweep_from(given, overrides)
    grid = [(cell.name, cell.axes, cell.recipe) for cell in cells(sweep)]
    beside = [(row, {}, recipe_from(fields)) for row, fields in experiment.get("beside", {}).items()]
    more = experiment.get("more_seeds", {})
    return sorted(
        (
            Wanted(row, axes, recipe.model_copy(update={"seed": seed}))
            for row, axes, recipe in [*beside, *grid]
            for seed in more.get(row, experiment["seeds"])
        ),
        key=lambda wanted: wanted.recipe.seed,  # stable: rows keep their order
    )


def _open(name: str, experiment: Mapping[str, Any]) -> list[Wanted]:
    """Return the cells that are not all done."""
    last = "rescored" if "rescore" in experiment else "row"
    return [wanted for wanted in wanted_cells(experiment) if last not in _result(name, wanted)]


def _result(name: str, wanted: Wanted) -> dict[str, Any]:
    """Return what is known of a cell; nothing where it has not been run."""
    path = result_of(name, wanted.row, wanted.recipe.seed)
    return json.loads(path.read_text()) if path.is_file() else {}


def _model(name: str, wanted: Wanted) -> Path:
    return folder_of(name, wanted.row, wanted.recipe.seed) / MODEL


def _rescore(name: str, experiment: Mapping[str, Any], some: Sequence[Wanted]) -> None:
    """Measure trained models within the recognizer."""
    rescore = Rescore.model_validate(experiment["rescore"])
    found = rescored(rescore, dense=experiment["model"], pruned=[str(_model(name, one)) for one in some], edits=True)
    for one, within in zip(some, found, strict=True):
        write(result_of(name, one.row, one.recipe.seed), {**_result(name, one), "rescored": within})
