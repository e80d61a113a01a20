"""The grid of a sweep as committed cells, trained models beside it, and what follows from them."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import findings
from benchmarks.cells import RESULTS, result_of, run_cell, write
from secateur.jobs.folder import MODEL
from secateur.jobs.rescore import rescored
from secateur.recipes import Recipe, Rescore, cells, load_sweep, recipe_from


class Wanted(NamedTuple):
    """A cell: its row, where it stands on the axes, and its recipe."""

    row: str
    axes: Mapping[str, Any]
    recipe: Recipe


def missing(name: str, experiment: Mapping[str, Any]) -> bool:
    """Whether a cell has no result yet; the models that it starts from need not be here to know."""
    return next(_missing(name, experiment), None) is not None


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Run what is missing, one seed of every row before the next seed; summarize after every cell."""
    for wanted in _missing(name, experiment):
        print(f"{name}: {wanted.row}, seed {wanted.recipe.seed}", flush=True)
        run_cell(name, wanted.row, wanted.recipe, None if wanted.recipe.sizes else partial(_rescored, experiment))
        write(RESULTS / f"{name}.json", summary(name, experiment))


def summary(name: str, experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return one entry per row over its seeds, and what the grid says to the paper's findings."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for wanted in wanted_cells(experiment):
        path = result_of(name, wanted.row, wanted.recipe.seed)
        if path.is_file():
            found.setdefault(wanted.row, []).append({**json.loads(path.read_text()), "axes": wanted.axes})
    rows = {row: findings.row(results) for row, results in found.items()}
    return {"experiment": name, "rows": rows, "findings": findings.all_of(rows)}


def wanted_cells(experiment: Mapping[str, Any]) -> list[Wanted]:
    """Return the sweep's cells and the rows beside it, with every seed that each is to have; a seed after the other."""
    sweep = load_sweep(experiment["sweep"], experiment.get("overrides", []))
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


def _missing(name: str, experiment: Mapping[str, Any]) -> Iterator[Wanted]:
    for wanted in wanted_cells(experiment):
        if not result_of(name, wanted.row, wanted.recipe.seed).is_file():
            yield wanted


def _rescored(experiment: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Measure a trained model within the recognizer, as prunes do by themselves."""
    rescore = Rescore.model_validate(experiment["rescore"])
    return {"rescored": rescored(rescore, dense=experiment["model"], pruned=str(out / MODEL))}
