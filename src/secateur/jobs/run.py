"""A prune that is under way: what was read for it, and how its model is cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

from transformers import TrainerCallback

from secateur.distill import Distillation
from secateur.errors import RecipeError
from secateur.evaluation import on_accelerator
from secateur.jobs.calibrate import calibrate, some_batches
from secateur.jobs.compose import Pruning, compose, require_data
from secateur.jobs.factorise import factorise
from secateur.jobs.fit import fit
from secateur.jobs.teach import teach
from secateur.methods import Scheduled
from secateur.recipes import Recipe
from secateur.tasks import TEXT, Task, Training, task_for
from secateur.training import PruningCallback, reestimate, single_precision


@final
@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that a recipe names, loaded and checked; nothing has been written yet."""

    recipe: Recipe
    out: Path
    resume: bool
    command: str
    task: Task[Any, Any]
    model: Any
    processor: Any
    pruning: Pruning
    training: Training | None
    """``None`` where nothing is trained."""

    scored: Training | None
    """What scores are taken on before any training, and batch norms estimated where there is none."""

    distillation: Distillation | None
    """What teaches `model`; small models have their own, that of one cut at once too."""

    valid: Sequence[Any]
    test: Sequence[Any]

    @property
    def one_shot(self) -> Scheduled | None:
        """The method, if it cuts everything before any training."""
        return _one_shot(self.recipe, self.pruning)

    def cut_at_once(self) -> None:
        """Score and cut before any training."""
        method = self.one_shot
        assert method is not None
        with on_accelerator(self.model), single_precision(self.model):
            method.prepare(self.model, self.pruning.groups, total_steps=0)
            if self.scored is not None and method.needs_batches:
                needed = method.needs_gradients
                calibrate(self.model, self.scored, self.recipe, observe=method.observe, gradients=needed)
            method.cut(1.0)

    def fit(self, *, valid: Sequence[Any], beside: Sequence[TrainerCallback] = ()) -> None:
        """Train the model while it is cut."""
        assert self.training is not None
        settled = partial(self.settle, self.model)
        fit(
            self.recipe,
            self.task,
            self.model,
            self.processor,
            training=self.training,
            valid=valid,
            out=self.out,
            pruning=PruningCallback(self.pruning.method, self.model, self.pruning.groups, settled=settled),
            distillation=self.distillation,
            beside=beside,
            resume=self.resume,
        )

    def settle(self, model: Any) -> None:
        """Let the batch norms see the model as it is cut, where the recipe gives them batches."""
        training = self.training or self.scored
        if training is not None and self.recipe.reestimate_batches:
            with on_accelerator(model), single_precision(model):
                reestimate(model, some_batches(model, training, self.recipe, count=self.recipe.reestimate_batches))


def read(recipe: Recipe, out: Path, *, resume: bool, command: str) -> Run:
    """Load and check what a recipe names.

    Raises:
        RecipeError, DataError, ModelError, TargetError: The request is wrong.
    """
    assert recipe.model is not None
    task = task_for(recipe)
    model, processor = task.load(recipe.model), task.load_processor(recipe.model)
    check_rescore(recipe, task)
    factorise(recipe, task, model, processor)
    pruning = compose(recipe, model)
    require_data(recipe, pruning)
    training = task.training(recipe, model, processor) if recipe.data.train and recipe.trains else None
    distillation = teach(recipe, model, processor)
    at_once = _one_shot(recipe, pruning)
    if distillation is not None and at_once is not None:  # it was asked for to be checked
        distillation.detach()
        distillation = None
    settles = training is None and recipe.data.train is not None and recipe.reestimate_batches > 0
    scores = at_once is not None and (at_once.needs_batches or settles)
    valid, test = (task.read(recipe.data.sets(part), model, processor) for part in ("valid", "test"))
    return Run(
        recipe=recipe,
        out=out,
        resume=resume,
        command=command,
        task=task,
        model=model,
        processor=processor,
        pruning=pruning,
        training=training,
        scored=task.training(recipe, model, processor, plain=True) if scores else None,
        distillation=distillation,
        valid=valid,
        test=test,
    )


def check_rescore(recipe: Recipe, task: Task[Any, Any]) -> None:
    """Make sure that what a recipe's `rescore` names goes together, where it has one.

    Raises:
        RecipeError, RequestError, DataError, ModelError, MissingExtraError: It does not.
    """
    if recipe.rescore is None:
        return
    assert recipe.model is not None
    if task is not TEXT:
        raise RecipeError(
            [f"`rescore` must be absent for a recognizer, but is given for `{recipe.model}`; a language model rescores"]
        )
    from secateur.jobs.rescore import check_rescoring  # needs an extra

    check_rescoring(recipe.rescore, recipe.model)


def _one_shot(recipe: Recipe, pruning: Pruning) -> Scheduled | None:
    method = pruning.method
    return method if isinstance(method, Scheduled) and (method.starts_cut or not recipe.trains) else None
