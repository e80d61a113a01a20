"""`secateur prune`: the main job."""

import time
from pathlib import Path
from typing import Any

from transformers import set_seed

from secateur.checkpoint import write_plan
from secateur.families import family_of
from secateur.jobs import folder
from secateur.jobs.artefact import Artefact, complete
from secateur.jobs.fit import training_arguments
from secateur.jobs.run import Run, read
from secateur.jobs.sizes import prune_sizes
from secateur.jobs.target import target_report
from secateur.recipes import Recipe, check
from secateur.surgery import shrink


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
    return prune_sizes(run) if recipe.targets else _prune_once(run)


def _prune_once(run: Run) -> dict[str, Any]:
    started = time.monotonic()
    model, pruning = run.model, run.pruning
    masks = run.cut()
    seconds = time.monotonic() - started
    family = family_of(model)
    shrink(model, pruning.groups, masks, set_layers=family.set_layers)
    write_plan(run.out / folder.PLAN, pruning.groups, masks, family=family.name)
    target = target_report(pruning.method.budget, model, masks, pruning.groups)
    return complete(run, Artefact(model, run.out, target, seconds))
