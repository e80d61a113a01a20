"""`secateur sweep`: a grid of prunes, one table, one page."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from secateur.errors import DataError, RecipeError, RequestError
from secateur.jobs import folder
from secateur.jobs.cell import ERROR, Work, reports_of, run
from secateur.jobs.cluster import Cluster, connected
from secateur.jobs.compose import check_parts
from secateur.jobs.run import check_rescore
from secateur.recipes import Cell, Sweep, cells, dump_sweep
from secateur.recipes.cells import Complaint
from secateur.recipes.names import SIZE
from secateur.report import render_sweep
from secateur.tasks import task_for
from secateur.whole_file import write_whole

logger = logging.getLogger(__name__)

CELLS, RESULTS, SWEEP = "cells", "results.json", "sweep.yaml"

Entries = Mapping[str, Sequence[dict[str, Any]]]
"""Cell -> what `results.json` says of it; in the order of the sweep."""


def sweep(
    wanted: Sweep,
    out: Path | str,
    *,
    cluster: Cluster | None = None,
    resume: bool = False,
    overwrite: bool = False,
    command: str = "secateur.sweep",
) -> list[dict[str, Any]]:
    """Run every cell, here one after another or on a cluster, and return what `results.json` says.

    A cell that fails is reported there, and the others go on. With `resume`, cells that are done stay as they are,
    and what was stopped or failed is taken up again.

    Raises:
        RecipeError: Anything is wrong with the sweep; all problems are listed.
        DataError, ModelError, MissingExtraError: What cells are to rescore does not go together.
        RequestError: `out` cannot be written to, or holds cells of other recipes; Ray is absent or does not answer.
    """
    every = {cell.name: cell for cell in cells(wanted)}
    _check_parts(every.values())
    out = folder.claim(Path(out), resume=resume, overwrite=overwrite)
    works = [_work(cell, out, overwrite=overwrite, command=command) for cell in every.values()]
    found = {work.name: [] if overwrite else _done(every[work.name], work) for work in works}
    _check_rescoring([every[name] for name, done in found.items() if not done])
    with connected(cluster) if cluster is not None else nullcontext(_here) as run_all:
        _begin(out, wanted, overwrite=overwrite)
        _write(out, wanted, found)
        for work, error in run_all([work for work in works if not found[work.name]]):
            cell = every[work.name]
            done = [] if error else _done(cell, work)
            found[cell.name] = done or [_failed(cell, error or _unseen(work))]
            _write(out, wanted, found)
    return _in_order(found)


def _check_parts(every: Collection[Cell]) -> None:
    """Make sure that no cell fails by the options of its parts, when others have trained for hours."""
    wrong: dict[str, list[str]] = {}
    for cell in every:
        try:
            check_parts(cell.recipe)
        except RecipeError as error:
            for problem in error.problems:
                wrong.setdefault(problem, []).append(cell.name)
    if wrong:
        raise RecipeError([Complaint(sentence=one).told(names, of=len(every)) for one, names in wrong.items()])


def _check_rescoring(every: Collection[Cell]) -> None:
    """Make sure that language models and what they rescore go together: else every cell would fail by itself."""
    asked = {(cell.recipe.model, cell.recipe.rescore): cell.recipe for cell in every if cell.recipe.rescore is not None}
    for recipe in asked.values():
        check_rescore(recipe, task_for(recipe))


def _work(cell: Cell, out: Path, *, overwrite: bool, command: str) -> Work:
    """Make sure that a cell's folder holds nothing, or the same cell."""
    where = out / CELLS / cell.name
    _check_apart(out / CELLS, cell)
    folder.claim(where, resume=not overwrite, overwrite=overwrite, recipe=cell.recipe)
    return Work(name=cell.name, recipe=cell.recipe, out=where, command=command)


def _check_apart(folders: Path, cell: Cell) -> None:
    """Make sure that no cell starts from another: it would wait for it, and be lost when that is overwritten."""
    assert cell.recipe.model is not None
    model = Path(cell.recipe.model)
    if model.is_dir() and model.resolve().is_relative_to(folders.resolve()):
        raise RequestError(
            f"`model` must lie outside of the sweep's own cells, but is `{model}`; copy it, or choose another `--out`"
        )


def _begin(out: Path, wanted: Sweep, *, overwrite: bool) -> None:
    """Create the folder and write the sweep; with `overwrite`, no cell of an earlier one may count as done."""
    if overwrite:
        for earlier in (path for path in (out / CELLS).glob("*") if path.is_dir()):
            folder.clear(earlier)
            (earlier / ERROR).unlink(missing_ok=True)
    write_whole(out / SWEEP, dump_sweep(wanted))


def _here(works: Sequence[Work]) -> Iterator[tuple[Work, str | None]]:
    for number, work in enumerate(works, start=1):
        logger.info("cell %d of %d: %s", number, len(works), work.name)
        yield work, run(work)


def _done(cell: Cell, work: Work) -> list[dict[str, Any]]:
    """Return a finished cell's reports; one that cannot be read has not finished, and its run writes it anew."""
    try:
        found = reports_of(work)
    except DataError as error:
        logger.warning("%s: %s", cell.name, error)
        return []
    sizes = [{SIZE: report[SIZE]} if SIZE in report else {} for report in found]  # several of a run are an axis
    return [
        {"cell": cell.name, "axes": {**cell.axes, **size}, **report} for size, report in zip(sizes, found, strict=True)
    ]


def _failed(cell: Cell, error: str) -> dict[str, Any]:
    return {"cell": cell.name, "axes": cell.axes, "seed": cell.recipe.seed, "error": error}


def _unseen(work: Work) -> str:
    return f"`{work.out}` must be one folder for all machines of the cluster, but what was written there is not here"


def _in_order(found: Entries) -> list[dict[str, Any]]:
    return [entry for entries in found.values() for entry in entries]


def _write(out: Path, wanted: Sweep, found: Entries) -> None:
    """Write all that is known so far, so that a sweep can be looked at while it runs."""
    results = _in_order(found)
    folder.write_json(out / RESULTS, results)
    render_sweep(out, results, total=len(found), sweep=dump_sweep(wanted))
