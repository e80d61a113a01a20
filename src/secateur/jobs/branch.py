"""A small model on its way: cut and written down, then trained and measured as the small model that it is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from transformers import TrainerCallback

from secateur.allocation import Budget
from secateur.checkpoint import save
from secateur.errors import RequestError
from secateur.granularity import zeroed
from secateur.group import Masks
from secateur.jobs import folder
from secateur.jobs.artefact import Artefact, complete
from secateur.jobs.compose import groups_of
from secateur.jobs.cut import cut_out
from secateur.jobs.fit import fit
from secateur.jobs.run import Run
from secateur.jobs.teach import teach
from secateur.recipes import Recipe
from secateur.training import KeepZeros

START = "start"
"""Beside the checkpoints of its training: the model as it was cut."""

POINT = "point.json"
"""Written last there: the size, and where in a run that was."""


@final
@dataclass(frozen=True)
class Branch:
    """A size of a run, and its run folder."""

    folder: Path

    @property
    def start(self) -> Path:
        """Where the model lies as it was cut."""
        return self.folder / folder.CHECKPOINTS / START

    @property
    def begun(self) -> bool:
        """Whether the model has been cut; of what is complete the checkpoints may have been deleted."""
        return (self.start / POINT).is_file() or self.done

    @property
    def done(self) -> bool:
        """Whether the size is complete: its report, which is written last, is there and can be read."""
        try:
            return bool(folder.read_json(self.folder / folder.REPORT))
        except RequestError:
            return False

    @property
    def point(self) -> dict[str, Any]:
        """What was written of the cut."""
        return folder.read_json(self.start / POINT)


def begin(run: Run, branch: Branch, model: Any, masks: Masks, budget: Budget, **where: Any) -> None:
    """Cut masked units out of `model`, and write it with its plan and the size reached."""
    branch.start.mkdir(parents=True, exist_ok=True)
    target = cut_out(model, run.pruning.groups, masks, budget, out=branch.folder)
    save(model, run.processor, branch.start)
    folder.write_json(branch.start / POINT, {**where, "target": target})


def finish(run: Run, branch: Branch, recipe: Recipe, *, valid: Sequence[Any] = ()) -> dict[str, Any]:
    """Train a branch as `recipe` says and measure it, unless that has been done; return its report.

    Raises:
        DivergedError: The loss is not a number.
    """
    if branch.done:
        return folder.read_json(branch.folder / folder.REPORT)
    started, target = time.monotonic(), branch.point["target"]
    model = run.task.load(str(branch.start))
    run.settle(model)
    if recipe.trains:
        _train(run, branch, recipe, model, valid)
    model.eval()
    folder.write_recipe(branch.folder, run.recipe)
    return complete(run, Artefact(model, branch.folder, target, time.monotonic() - started))


def _train(run: Run, branch: Branch, recipe: Recipe, model: Any, valid: Sequence[Any]) -> None:
    assert run.training is not None
    fit(
        recipe,
        run.task,
        model,
        run.processor,
        training=run.training,
        valid=valid,
        out=branch.folder,
        distillation=teach(run.recipe, model, run.processor),
        beside=_zeros_kept(run, model),
        resume=run.resume,
    )


def _zeros_kept(run: Run, model: Any) -> list[TrainerCallback]:
    """Return what keeps weights and blocks that have left at zero."""
    if not any(map(zeroed, run.pruning.groups)):
        return []
    return [KeepZeros(model, groups_of(run.recipe, model))]
