"""Several sizes from one run: a main run that goes on to the smallest, and a branch off it for every size."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from secateur.checkpoint import save, write_plan
from secateur.data import EvenBatches
from secateur.families import family_of
from secateur.granularity import zeroed
from secateur.group import Masks
from secateur.jobs import folder
from secateur.jobs.artefact import Artefact, complete
from secateur.jobs.compose import groups_of
from secateur.jobs.fit import fit, training_arguments
from secateur.jobs.run import Run
from secateur.jobs.target import target_report
from secateur.jobs.teach import teach
from secateur.masks import MaskState
from secateur.methods import Scheduled
from secateur.recipes import Recipe, Target
from secateur.report import render
from secateur.surgery import ranks, shrink, split_empty
from secateur.training import KeepZeros, PruningCallback

START = "start"
"""In a size's folder: the model as it left the main run."""

POINT = "point.json"
"""Written last there: where in the main run that was, and the size."""

WARM_UP = 0.05
"""Share of a branch's steps in which its learning rate rises to what it was in the main run: its optimizer is new."""

CHECKPOINTS = 4
"""How often a branch is kept on its way, to be resumed from."""


@final
@dataclass(frozen=True)
class Branch:
    """One size of a run, and its folder."""

    index: int
    target: Target
    folder: Path

    @property
    def start(self) -> Path:
        """Where the model lies as it left the main run."""
        return self.folder / START

    @property
    def begun(self) -> bool:
        """Whether the model has left the main run."""
        return (self.start / POINT).is_file()

    @property
    def done(self) -> bool:
        """Whether the size is complete."""
        return (self.folder / folder.REPORT).is_file()


def branches(recipe: Recipe, out: Path) -> tuple[Branch, ...]:
    """Return a branch per size, the smallest last."""
    return tuple(Branch(index, size, out / folder.SIZES / size.name) for index, size in enumerate(recipe.sizes))


def prune_sizes(run: Run) -> dict[str, Any]:
    """Run to the smallest size, branch off every one, cool it down by itself, measure it, write its run folder.

    What is there already is taken as it is: branches that have left the main run, and sizes that are complete. The
    main run stops with the last branch, at `schedule.end`; each branch is then trained for `cool_down` of the steps
    that the recipe gives a run, from the learning rate at which it left down to 0. Where everything leaves at once,
    each size is cut from the dense model and trained with the recipe's own learning rate.

    Raises:
        DivergedError: A loss is not a number.
    """
    found = branches(run.recipe, run.out)
    if not all(branch.begun for branch in found):
        _main_run(run, found)
    reports = [_finished(run, branch) for branch in found]
    render([branch.folder for branch in found], out=run.out / folder.PAGE)
    return {"sizes": reports}


def _main_run(run: Run, found: tuple[Branch, ...]) -> None:
    callback = PruningCallback(run.pruning.method, run.model, run.pruning.groups)
    points = BranchPoints(run, found)
    if run.one_shot is not None:
        run.cut_at_once(callback)
    else:
        run.fit(callback, valid=(), beside=[points])
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
        """Cut a copy to the size, exactly, and write it with its plan; the model itself goes on."""
        branch, groups = self._branches[size], self._run.pruning.groups
        model = _copy(self._run)
        state = MaskState(model, groups)
        state.set(dict(masks))
        state.release()
        family = family_of(model)
        shrink(model, groups, masks, set_layers=family.set_layers)
        save(model, self._run.processor, branch.start)
        write_plan(branch.folder / folder.PLAN, groups, masks, family=family.name)
        target = target_report(self._method.sizes[size], model, masks, groups)
        folder.write_json(branch.start / POINT, {**self._where, "target": target})


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


def _finished(run: Run, branch: Branch) -> dict[str, Any]:
    """Train and measure a branch, unless that has been done."""
    if branch.done:
        return folder.read_json(branch.folder / folder.REPORT)
    started, point = time.monotonic(), folder.read_json(branch.start / POINT)
    model = run.task.load(str(branch.start))
    run.settle(model)
    recipe = _recipe(run, branch, point)
    if recipe.trains:
        assert run.training is not None
        fit(
            recipe,
            run.task,
            model,
            run.processor,
            training=run.training,
            valid=(),
            out=branch.folder,
            distillation=teach(run.recipe, model, run.processor),
            beside=_zeros_kept(run, model),
            resume=run.resume,
        )
    model.eval()
    folder.write_recipe(branch.folder, run.recipe)
    return complete(run, Artefact(model, branch.folder, point["target"], time.monotonic() - started))


def _recipe(run: Run, branch: Branch, point: dict[str, Any]) -> Recipe:
    """Return the recipe of a branch's own training."""
    recipe = run.recipe
    if not recipe.trains:
        return recipe
    steps = math.ceil(recipe.cool_down * (point.get("steps") or _steps(run)))
    own: dict[str, Any] = {"max_steps": steps, "eval_strategy": "no"}
    if "learning_rate" in point:
        own |= {"learning_rate": point["learning_rate"], "lr_scheduler_type": "linear", "warmup_steps": WARM_UP}
    if recipe.train.get("save_strategy") != "no":
        own |= {"save_strategy": "steps", "save_steps": math.ceil(steps / CHECKPOINTS)}
    return recipe.model_copy(update={"train": {**recipe.train, **own}, "seed": recipe.seed + 1 + branch.index})


def _steps(run: Run) -> int:
    """Count the steps that the recipe gives a run."""
    arguments = training_arguments(run.recipe, run.out, validate=False)
    if arguments.max_steps > 0:
        return arguments.max_steps
    assert run.training is not None
    batches = len(EvenBatches(run.training.sizes, run.training.batch_size, seed=run.recipe.seed))
    return math.ceil(arguments.num_train_epochs * math.ceil(batches / arguments.gradient_accumulation_steps))


def _zeros_kept(run: Run, model: Any) -> list[TrainerCallback]:
    """Return what keeps weights and blocks that have left at zero."""
    recipe = run.recipe
    if not any(map(zeroed, run.pruning.groups)):
        return []
    return [KeepZeros(model, groups_of(recipe, model))]
