"""Pruning for people who have a `transformers.Trainer` script already."""

import copy
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from transformers import Trainer

from secateur.checkpoint import mark, write_plan
from secateur.distill import Distillation
from secateur.errors import RecipeError, RequestError, SecateurError
from secateur.families import family_of
from secateur.group import Group, Masks
from secateur.jobs.compose import compose
from secateur.jobs.factorise import layers_to_split, split_layers
from secateur.jobs.folder import PLAN
from secateur.jobs.teach import teach_from
from secateur.recipes import Distill, Recipe, recipe_from
from secateur.recipes.names import DATA_FREE, ZEROED
from secateur.recipes.rules import problems
from secateur.recipes.schema import PRUNING
from secateur.recipes.train_fields import PLATEAU
from secateur.recipes.unread import UNREAD
from secateur.surgery import shrink
from secateur.surgery.put import put
from secateur.tasks import asked_as, task_of
from secateur.training import DistillationCallback, KeepZeros, PruningCallback

BROUGHT = ("model", "data", "architecture")
"""Fields of a recipe that a Trainer has its own of, so that their absence says nothing."""

OF_TRAINER = (*BROUGHT, "train")
"""These, and that of its steps: where it is absent there are some."""

OF_VERB = ("targets", "cool_down", "quantize", "calibration_batches", "reestimate_batches", "rescore")
"""Fields of pruning that need more than a Trainer's steps."""


@final
class Attached:
    """A pruning method riding on somebody's Trainer."""

    def __init__(self, trainer: Trainer, recipe: Recipe) -> None:
        self.trainer = trainer
        self._model: Any = trainer.model
        self._finished = False
        self._family = None if set(ZEROED).intersection(recipe.granularity) else family_of(self._model)
        with _split(trainer, recipe):
            pruning = compose(recipe, self._model)
            taught = None if recipe.distill is None else _taught(self._model, recipe.distill)
        self._method = pruning.method
        self.callback = PruningCallback(pruning.method, self._model, pruning.groups)
        trainer.add_callback(self.callback)
        if taught is not None:
            trainer.add_callback(DistillationCallback(taught))

    @property
    def groups(self) -> Sequence[Group]:
        """What may leave."""
        return self.callback.groups

    def finish(self, plan_folder: Path | str | None = None) -> Any:
        """Cut the model to its exact target, physically, and return it; call it after ``trainer.train()``.

        The Trainer's model is this one from now on: evaluate it, ``save_pretrained`` it, train it further, with a new
        optimizer where parameters are new, and with its zeros kept where there are some. With `plan_folder`,
        ``plan.json`` is written there.

        Raises:
            RequestError: Nothing was trained, and the criterion reads gradients.
        """
        if self._finished:
            return self._model
        if self._method.needs_batches and not self.trainer.state.global_step:
            raise RequestError(
                "`finish` must come after `trainer.train()`: what leaves is chosen by gradients, and there were none"
            )
        self.callback.prepare(0)
        masks = self._method.finish()
        self._cut(masks)
        self.trainer.remove_callback(self.callback)  # pyright: ignore[reportArgumentType]
        self._finished = True
        if plan_folder is not None:
            family = None if self._family is None else self._family.name
            write_plan(Path(plan_folder) / PLAN, self.groups, masks, family=family)
        return self._model

    def _cut(self, masks: Masks) -> None:
        """Cut physically, or leave the zeros; the Trainer may go on either way."""
        if self._family is None:
            self.trainer.add_callback(KeepZeros(self._model, self.groups))
            return
        shrink(self._model, self.groups, masks, set_layers=self._family.set_layers)
        mark(self._model)
        self.trainer.optimizer = self.trainer.lr_scheduler = None  # of parameters that are no more
        self.trainer.model_wrapped = self._model


@contextmanager
def _split(trainer: Trainer, recipe: Recipe) -> Generator[None, None, None]:
    """Split the layers that may lose rank; what fails within leaves them as they were.

    Raises:
        RequestError: The Trainer has an optimizer, which would not know of the factors.
    """
    if recipe.method != "low_rank":
        yield
        return
    if trainer.optimizer is not None:
        raise RequestError(
            "`trainer` must have no optimizer yet with the method low_rank, which makes new parameters, but has one; "
            "let it make its own, or call `attach` before and give it one then"
        )
    model: Any = trainer.model
    layers = layers_to_split(recipe, model)
    split_layers(model, layers, {})
    try:
        yield
    except SecateurError:
        for name, layer in layers.items():
            put(model, name, layer)
        raise


def _taught(student: Any, distill: Distill) -> Distillation:
    """Put a teacher beside the model: another one by name, or a copy of the model as it is now."""
    if distill.teacher is None:
        return teach_from(copy.deepcopy(student), student, distill, name="the model itself")
    with asked_as("distill.teacher"):
        teacher = task_of(distill.teacher).load(distill.teacher)
    return teach_from(teacher, student, distill, name=distill.teacher)


def attach(trainer: Trainer, *, target: Mapping[str, float], **fields: Any) -> Attached:
    """Add pruning to a Trainer; the keyword arguments are a recipe's pruning fields, and `distill`.

        pruning = secateur.attach(trainer, target={"params": 0.5}, granularity=["head", "ffn_unit"])
        trainer.train()
        pruning.finish().save_pretrained("small")

    Raises:
        RecipeError: A field is wrong; all problems are listed.
        TargetError: The model is already that small.
    """
    _check_fields(fields)
    recipe = recipe_from({"target": dict(target), **fields})
    found = problems(recipe, verb="prune", unreadable=BROUGHT)
    if recipe.method == "low_rank" and recipe.low_rank.factors != "svd":
        found.append(
            f"`low_rank` must be {{factors: svd}} here, but has {recipe.low_rank.factors}: there is no batch to "
            f"look at before the first step; use `secateur prune`, which looks at some first"
        )
    at_once = recipe.schedule.name == "one_shot" and "criterion" not in UNREAD[recipe.method]
    if at_once and recipe.criterion.name not in (*DATA_FREE, "movement"):
        found.append(
            f"`schedule` must be linear or cubic here with the criterion {recipe.criterion.name}, but is one_shot: "
            f"there are no gradients before the first step; use `secateur prune`, which looks at some batches first"
        )
    if trainer.args.lr_scheduler_type == PLATEAU and recipe.schedule.name != "one_shot":
        found.append(
            f"`trainer.args.lr_scheduler_type` must be one that follows the steps, but is {PLATEAU}: before the target "
            f"is reached no validation counts"
        )
    if found:
        raise RecipeError(found)
    return Attached(trainer, recipe)


def _check_fields(fields: Mapping[str, Any]) -> None:
    taken = {*PRUNING, "distill", "seed"}.difference(OF_VERB)
    found = [
        f"`{name}` must be absent here, but is given; "
        + ("the Trainer has its own" if name in OF_TRAINER else "it is for `secateur prune`")
        for name in fields
        if name in Recipe.model_fields and name not in taken
    ]
    if found:
        raise RecipeError(found)
