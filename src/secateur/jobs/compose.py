"""From the names in a recipe to the parts that do the work."""

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from secateur.allocation import ALLOCATIONS, DENOMINATORS, ROUNDING, Budget, most_removable
from secateur.criteria import CRITERIA
from secateur.errors import RecipeError, TargetError
from secateur.families import find_groups
from secateur.group import Group
from secateur.jobs.budget import budget_for
from secateur.methods import L0, Limits, Scheduled
from secateur.recipes import Named, Recipe
from secateur.recipes import Schedule as RecipeSchedule
from secateur.schedules import SCHEDULES


@final
@dataclass(frozen=True)
class Pruning:
    """What a recipe does to a model: the method, ready to be prepared, and the groups it works on."""

    method: Scheduled | L0
    groups: tuple[Group, ...]


def compose(recipe: Recipe, model: Any, *, preview: bool = False) -> Pruning:
    """Find the groups and build the method; a `preview` is always scheduled, since gates say nothing before training.

    Raises:
        RecipeError: A part does not take its options, or no site is left.
        TargetError: The model is already that small, or cannot become it.
        ModelError: No family knows the model.
    """
    groups = find_groups(model, recipe.granularity, include=recipe.include, exclude=recipe.exclude)
    *larger, budget = (budget_for(size, model, groups) for size in recipe.sizes)
    limits = Limits(keep_at_least=recipe.keep_at_least, round_to=recipe.round_to)
    _check_reachable(budget, limits, groups)
    if recipe.method == "l0" and not preview:
        return Pruning(_l0(recipe, budget, limits), tuple(groups))
    return Pruning(_scheduled(recipe, budget, limits, larger), tuple(groups))


def _scheduled(recipe: Recipe, budget: Budget, limits: Limits, larger: Sequence[Budget]) -> Scheduled:
    options = {"seed": recipe.seed} if recipe.criterion.name == "random" else {}
    return Scheduled(
        criterion=_build("criterion", CRITERIA, recipe.criterion, defaults=options),
        allocation=_build("allocation", ALLOCATIONS, recipe.allocation),
        schedule=_curve(recipe.schedule, end=recipe.schedule.end),
        budget=budget,
        limits=limits,
        every=recipe.schedule.every,
        larger=larger,
    )


def _l0(recipe: Recipe, budget: Budget, limits: Limits) -> L0:
    schedule, gates = recipe.schedule, recipe.gates
    falls_until = schedule.start + gates.warm_up * (schedule.end - schedule.start)
    return L0(
        budget=budget,
        schedule=_curve(schedule, end=falls_until),
        start=schedule.start,
        end=schedule.end,
        limits=limits,
        seed=recipe.seed,
        gate_learning_rate=gates.learning_rate,
        multiplier_learning_rate=gates.multiplier_learning_rate,
        penalty=gates.penalty,
        openness=gates.openness,
        prior=gates.prior,
        sharpen=gates.sharpen,
    )


def _curve(schedule: RecipeSchedule, *, end: float) -> Any:
    bounds = {} if schedule.name == "one_shot" else {"start": schedule.start, "end": end}
    return _build("schedule", SCHEDULES, Named(name=schedule.name), defaults=bounds)


def require_data(recipe: Recipe, pruning: Pruning) -> None:
    """Make sure that a criterion which looks at data has some.

    Raises:
        RecipeError: It has none.
    """
    if pruning.method.needs_batches and recipe.data.train is None:
        name = recipe.criterion.name
        raise RecipeError(
            [
                f"`data.train` must be given for the criterion {name}, which looks at data, but is absent; name a "
                f"manifest, or set `criterion=magnitude`"
            ]
        )


def _check_reachable(budget: Budget, limits: Limits, groups: Sequence[Group]) -> None:
    """Make sure that enough may leave, in every unit, before anything is trained."""
    for bound in (budget, *budget.also):
        most = most_removable(groups, bound.saved, keep_at_least=limits.keeping(), round_to=limits.rounding())
        if bound.zeros + bound.removed > most * (1 + ROUNDING):
            least = bound.whole + bound.zeros - most
            raise TargetError(
                f"`target.{bound.unit}` must be at least {least:,.0f}, {math.ceil(1e4 * least / bound.whole) / 1e4:g} "
                f"of {DENOMINATORS[bound.unit]}, which is what stays when all leaves that these granularities and "
                f"limits allow, but asks for {bound.kept:,.0f}; raise it, lower `keep_at_least` or `round_to`, widen "
                f"`include`, or add granularities"
            )


def _build(axis: str, table: Mapping[str, Any], part: Named, *, defaults: Mapping[str, Any] | None = None) -> Any:
    make = table.get(part.name) or _from_outside(axis, part.name)
    try:
        return make(**{**(defaults or {}), **part.options})
    except TypeError as error:
        raise RecipeError([f"`{axis}` must have options that `{part.name}` takes, but {error}"]) from None


def _from_outside(axis: str, path: str) -> Any:
    """Import ``package.module:Name`` or ``package.module.Name``."""
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise RecipeError([f"`{axis}` must name a part or importable code, but `{path}` is neither: {error}"]) from None
