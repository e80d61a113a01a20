"""`secateur prune`: the main job."""

import time
from pathlib import Path
from typing import Any

from transformers import set_seed

from secateur.jobs import folder
from secateur.jobs.artefact import Artefact, complete
from secateur.jobs.branch import Branch, begin, finish
from secateur.jobs.cut import cut_out
from secateur.jobs.fit import training_arguments
from secateur.jobs.run import Run, read
from secateur.jobs.sizes import prune_sizes
from secateur.recipes import Recipe, check


def prune(
    recipe: Recipe, out: Path | str, *, resume: bool = False, overwrite: bool = False, command: str = "secateur.prune"
) -> dict[str, Any]:
    """Prune a model to an exact size, measure it against the dense one, write the run folder; return the report.

    With several `targets`, every size is a run folder under ``sizes``, and what is returned is ``{"sizes": reports}``.

    Raises:
        RecipeError, DataError, ModelError, TargetError: The request is wrong; nothing was written.
        DivergedError: The loss is not a number; ``checkpoints/last-good`` holds the weights before.
    """
    check(recipe, verb="prune")
    out = folder.claim(Path(out), resume=resume, overwrite=overwrite, recipe=recipe)
    training_arguments(recipe, out, validate=recipe.data.valid is not None)
    set_seed(recipe.seed)
    run = read(recipe, out, resume=resume, command=command)
    folder.begin(out, recipe, overwrite=overwrite)
    if recipe.targets:
        return prune_sizes(run)
    if run.one_shot is None:
        return _gradually(run)
    return _first(run) if recipe.trains else _only(run)


def _gradually(run: Run) -> dict[str, Any]:
    """Train while units leave, then cut."""
    started = time.monotonic()
    run.fit(valid=run.valid)
    return _cut(run, started)


def _only(run: Run) -> dict[str, Any]:
    """Cut; nothing is trained."""
    started = time.monotonic()
    run.cut_at_once()
    run.settle(run.model)
    return _cut(run, started)


def _cut(run: Run, started: float) -> dict[str, Any]:
    """Cut what is masked."""
    model, pruning = run.model.eval(), run.pruning
    target = cut_out(model, pruning.groups, pruning.method.finish(), pruning.method.budget, out=run.out)
    return complete(run, Artefact(model, run.out, target, time.monotonic() - started))


def _first(run: Run) -> dict[str, Any]:
    """Cut first, then train: what is small trains as fast as it is small."""
    branch = Branch(run.out)
    if not branch.begun:
        run.cut_at_once()
        begin(run, branch, run.model, run.pruning.method.finish(), run.pruning.method.budget)
    return finish(run, branch, run.recipe, valid=run.valid)
