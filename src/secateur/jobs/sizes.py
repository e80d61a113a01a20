"""Several sizes from one run: a main run that goes on to the smallest, and a branch off it for every size."""

import logging
import math
from pathlib import Path
from typing import Any, final

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from secateur.data import EvenBatches
from secateur.group import Masks
from secateur.jobs import folder
from secateur.jobs.branch import Branch, begin, finish
from secateur.jobs.fit import training_arguments
from secateur.jobs.run import Run, read
from secateur.masks import MaskState
from secateur.methods import Scheduled
from secateur.recipes import Recipe
from secateur.report import render
from secateur.surgery import ranks, split_empty
from secateur.training import kept_on_its_way

logger = logging.getLogger(__name__)

WARM_UP = 0.05
"""Share of a branch's steps in which its learning rate rises to what it was in the main run: its optimizer is new."""

CHECKPOINTS = 4
"""How often a branch is kept on its way, to be resumed from."""


def branches(recipe: Recipe, out: Path) -> tuple[Branch, ...]:
    """Return a branch per size, the smallest last."""
    return tuple(Branch(out / folder.SIZES / size.name) for size in recipe.sizes)


def prune_sizes(run: Run) -> dict[str, Any]:
    """Run to the smallest size, branch off every one, cool it down by itself, measure it, write its run folder.

    What is there already is taken as it is: branches that have left the main run, and sizes that are complete. Where
    one is gone that the last checkpoint has passed, the main run starts again. It stops with the last branch, at
    `schedule.end`; each branch is then trained for `cool_down` of the steps that the recipe gives a run, from the
    learning rate at which it left down to 0. Where everything leaves at once, or a size at a rate of 0, it is cut from
    the dense model and trained with the recipe's own learning rate.

    Raises:
        DivergedError: A loss is not a number.
    """
    found = branches(run.recipe, run.out)
    if not all(branch.begun for branch in found):
        _main_run(run, found)
    if not all(branch.begun for branch in found):
        logger.warning("sizes are gone that the main run had passed at its last checkpoint: it starts again")
        set_seed(run.recipe.seed)
        _main_run(read(run.recipe, run.out, resume=False, command=run.command), found)
    reports = [finish(run, branch, _recipe(run, index, branch)) for index, branch in enumerate(found)]
    render([run.out])
    return {"sizes": reports}


def _main_run(run: Run, found: tuple[Branch, ...]) -> None:
    points = BranchPoints(run, found)
    if run.one_shot is not None:
        run.cut_at_once()
    else:
        run.fit(valid=(), beside=[points])
    run.pruning.method.finish()


@final
class BranchPoints(TrainerCallback):
    """Writes the model wherever the main run passes a size, and stops it behind the last."""

    def __init__(self, run: Run, found: tuple[Branch, ...]) -> None:
        assert isinstance(run.pruning.method, Scheduled)
        self._run, self._method, self._branches = run, run.pruning.method, found
        self._where: dict[str, float] = {}
        self._method.at_size = self._write

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note where training is."""
        rate = float(kwargs["lr_scheduler"].get_last_lr()[0])
        self._where = {"step": state.global_step + 1, "steps": state.max_steps, "learning_rate": rate}

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Stop where nothing more branches off."""
        if self._method.at_target:
            control.should_training_stop = True

    def _write(self, size: int, masks: Masks) -> None:
        """Cut a copy to the size, exactly, and write it with its plan, unless it is there; the model itself goes on."""
        if self._branches[size].begun:
            return
        with torch.random.fork_rng(devices=[]):  # new layers draw weights, which the main run must not feel
            model = _copy(self._run)
            state = MaskState(model, self._run.pruning.groups)
            state.set(dict(masks))
            state.release()
            begin(self._run, self._branches[size], model, masks, self._method.sizes[size], **self._where)


def _copy(run: Run) -> Any:
    """Return a model with the weights that the run's has now, and nothing of what training hangs on it."""
    assert run.recipe.model is not None
    model = run.task.load(run.recipe.model)
    already = ranks(model)
    for name, rank in ranks(run.model).items():
        if name not in already:
            split_empty(model, name, rank)
    model.load_state_dict(run.model.state_dict())
    return model


def _recipe(run: Run, index: int, branch: Branch) -> Recipe:
    """Return the recipe of a branch's own training, if there is any to be done."""
    recipe = run.recipe
    if not recipe.trains or branch.done:
        return recipe
    point = branch.point
    steps = math.ceil(recipe.cool_down * (point.get("steps") or _steps(run)))
    own: dict[str, Any] = {"max_steps": steps, "eval_strategy": "no"}
    if point.get("learning_rate"):  # 0 in the first step of a warm-up, where this model was cut at once too
        own |= {"learning_rate": point["learning_rate"], "lr_scheduler_type": "linear", "warmup_steps": WARM_UP}
        own |= {"lr_scheduler_kwargs": {}}  # those of the recipe's own scheduler
    if recipe.train.get("save_strategy") != "no":
        own |= kept_on_its_way(steps, times=CHECKPOINTS)
    return recipe.model_copy(update={"train": {**recipe.train, **own}, "seed": recipe.seed + 1 + index})


def _steps(run: Run) -> int:
    """Count the steps that the recipe gives a run."""
    arguments = training_arguments(run.recipe, run.out, validate=False)
    if arguments.max_steps > 0:
        return arguments.max_steps
    assert run.training is not None
    batches = len(EvenBatches(run.training.sizes, run.training.batch_size, seed=run.recipe.seed))
    return math.ceil(arguments.num_train_epochs * math.ceil(batches / arguments.gradient_accumulation_steps))
