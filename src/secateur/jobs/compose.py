"""From the names in a recipe to the parts that do the work."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

from secateur.allocation import ALLOCATIONS, DENOMINATORS, ROUNDING, Budget, most_removable
from secateur.criteria import CRITERIA
from secateur.errors import RecipeError, TargetError
from secateur.families import find_groups
from secateur.group import Group, Masks
from secateur.jobs.budget import budget_for
from secateur.jobs.part import build
from secateur.masks import not_empty
from secateur.methods import L0, SENSING, CompressedSensing, Limits, Scheduled, Sensing, StraightThrough
from secateur.recipes import Named, Recipe
from secateur.recipes import Schedule as RecipeSchedule
from secateur.recipes.unread import UNREAD, unread
from secateur.schedules import SCHEDULES

logger = logging.getLogger(__name__)

STAND_IN = "magnitude"
"""What previews the criterion movement, and compressed sensing: it needs no steps, and no data."""


@final
@dataclass(frozen=True)
class Pruning:
    """What a recipe does to a model: the method, ready to be prepared, and the groups it works on."""

    method: Scheduled | L0 | StraightThrough | CompressedSensing
    groups: tuple[Group, ...]


def compose(recipe: Recipe, model: Any, *, preview: bool = False) -> Pruning:
    """Find the groups and build the method.

    A `preview` is always scheduled: neither gates nor movement say anything before training.

    Raises:
        RecipeError: A part does not take its options, or no site is left.
        TargetError: The model is already that small, or cannot become it.
        ModelError: No family knows the model.
    """
    if not preview:
        _tell_unread(recipe)
        _tell_seen(recipe)
    groups = groups_of(recipe, model)
    *larger, budget = _budgets(recipe, model, groups)
    limits = Limits(keep_at_least=recipe.keep_at_least, round_to=recipe.round_to)
    _check_reachable(budget, limits, groups, not_empty(model, groups))
    return Pruning(_method(_previewed(recipe) if preview else recipe, budget, limits, larger), tuple(groups))


def _tell_unread(recipe: Recipe) -> None:
    """Warn of what was chosen and says nothing to the method."""
    for name in unread(recipe, Recipe()):
        logger.warning("`%s` is not read by the method %s: what it says changes nothing", name, recipe.method)
    for name in sorted(set(recipe.keep_at_least).difference(recipe.granularity)):
        logger.warning("`keep_at_least.%s` is not read: `granularity` has no %s", name, name)


def _tell_seen(recipe: Recipe) -> None:
    """Warn of test sets that training has seen: what is measured on them is too good."""
    if not recipe.trains:
        return
    data = recipe.data
    for sets, why in ((data.sets("train"), "is trained on"), (data.sets("valid"), "chooses the best epoch")):
        seen = {path for paths in sets.values() for path in paths}
        for name, paths in data.sets("test").items():
            for path in sorted(seen.intersection(paths)):
                logger.warning("the test set `%s` holds `%s`, which %s: its numbers are too good", name, path, why)


def _budgets(recipe: Recipe, model: Any, groups: Sequence[Group]) -> Iterator[Budget]:
    for index, size in enumerate(recipe.sizes):
        yield budget_for(size, model, groups, field=f"targets[{index}]" if recipe.targets else "target")


def check_parts(recipe: Recipe) -> None:
    """Make sure that the parts which the method reads exist and take their options; no model is needed.

    Raises:
        RecipeError: One does not.
    """
    _curve(recipe.schedule, end=recipe.schedule.end)
    for field, make in {"criterion": _criterion, "allocation": _allocation}.items():
        if field not in UNREAD[recipe.method]:
            make(recipe)


def groups_of(recipe: Recipe, model: Any) -> list[Group]:
    """Find the groups that a recipe names.

    Raises:
        RecipeError: No site is left.
        ModelError: No family knows the model.
    """
    return find_groups(
        model,
        recipe.granularity,
        include=recipe.include,
        exclude=recipe.exclude,
        n_of_m=recipe.n_of_m,
        block=recipe.block,
    )


def _method(
    recipe: Recipe, budget: Budget, limits: Limits, larger: Sequence[Budget]
) -> Scheduled | L0 | StraightThrough | CompressedSensing:
    if recipe.method == "l0":
        return _l0(recipe, budget, limits)
    if recipe.method == "compressed_sensing":
        return _compressed_sensing(recipe, budget, limits)
    if recipe.criterion.name == "movement":
        return _straight_through(recipe, budget, limits)
    return _scheduled(recipe, budget, limits, larger)


def _previewed(recipe: Recipe) -> Recipe:
    """Return what stands for a recipe whose method or criterion says nothing before training."""
    if recipe.method == "l0":
        recipe = recipe.model_copy(update={"method": "scheduled"})
    if recipe.method == "compressed_sensing":
        logger.warning("what is solved for in training is not known: zeros are shown by %s, as many", STAND_IN)
        return recipe.model_copy(update={"method": "scheduled", "criterion": Named(name=STAND_IN)})
    if recipe.criterion.name != "movement":
        return recipe
    logger.warning("before training nothing has moved: what would leave is shown by %s, its size is the same", STAND_IN)
    return recipe.model_copy(update={"criterion": Named(name=STAND_IN)})


def _scheduled(recipe: Recipe, budget: Budget, limits: Limits, larger: Sequence[Budget]) -> Scheduled:
    return Scheduled(
        criterion=_criterion(recipe),
        allocation=_allocation(recipe),
        schedule=_curve(recipe.schedule, end=recipe.schedule.end),
        budget=budget,
        limits=limits,
        every=recipe.schedule.every,
        larger=larger,
        l1=recipe.scheduled.l1 or 0.0,
        rewind=recipe.scheduled.rewind,
    )


def _straight_through(recipe: Recipe, budget: Budget, limits: Limits) -> StraightThrough:
    return StraightThrough(
        criterion=_criterion(recipe),
        allocation=_allocation(recipe),
        schedule=_curve(recipe.schedule, end=recipe.schedule.end),
        budget=budget,
        limits=limits,
        every=recipe.schedule.every,
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


PULL = 0.1
"""Share of the way to their stand-ins that weights go between due steps."""


def _compressed_sensing(recipe: Recipe, budget: Budget, limits: Limits) -> CompressedSensing:
    sensing = recipe.sensing
    return CompressedSensing(
        sensing=_sensing(recipe),
        allocation=_allocation(recipe),
        schedule=_curve(recipe.schedule, end=recipe.schedule.end),
        budget=budget,
        limits=limits,
        every=recipe.schedule.every,
        iterations=sensing.iterations,
        shrink=sensing.shrink,
        debias=sensing.debias,
        reentry=sensing.reentry,
        use=sensing.use,
        pull=PULL if sensing.pull is None else sensing.pull,
        dual=sensing.dual,
    )


def _sensing(recipe: Recipe) -> Sensing:
    name = recipe.sensing.operator
    options: dict[str, Any] = {}
    if name == "gaussian":
        options = {"measurements": recipe.sensing.measurements, "seed": recipe.seed}
    if name == "loss":
        options = {"level": recipe.sensing.level}
    return SENSING[name](**options)


def _criterion(recipe: Recipe) -> Any:
    options = {"seed": recipe.seed} if recipe.criterion.name == "random" else {}
    return build("criterion", CRITERIA, recipe.criterion, defaults=options)


def _allocation(recipe: Recipe) -> Any:
    return build("allocation", ALLOCATIONS, recipe.allocation)


def _curve(schedule: RecipeSchedule, *, end: float) -> Any:
    bounds = {} if schedule.name == "one_shot" else {"start": schedule.start, "end": end}
    return build("schedule", SCHEDULES, Named(name=schedule.name), defaults=bounds)


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


def _check_reachable(budget: Budget, limits: Limits, groups: Sequence[Group], here: Masks) -> None:
    """Make sure that enough may leave, in every unit, before anything is trained."""
    for bound in (budget, *budget.also):
        held = {"keep_at_least": limits.keeping(), "round_to": limits.rounding()}
        most = most_removable(groups, bound.saved, here=here, **held)
        if bound.zeros + bound.removed > most * (1 + ROUNDING):
            more = "" if all(group.granularity == "rank" for group in groups) else ", or add granularities"
            raise _too_sparse(bound, most) if bound.unit == "sparsity" else _too_small(bound, most, more=more)


def _too_small(bound: Budget, most: float, *, more: str) -> TargetError:
    least = bound.whole + bound.zeros - most
    if not most:
        return TargetError(
            f"`{bound.field}` must be within reach, but nothing can leave with these granularities and limits; "
            f"lower `keep_at_least` or `round_to`, widen `include`{more}"
        )
    return TargetError(
        f"`{bound.field}` must be at least {least:,.0f}, {math.ceil(1e4 * least / bound.whole) / 1e4:g} "
        f"of {DENOMINATORS[bound.unit]}, which is what stays when all leaves that these granularities and "
        f"limits allow, but asks for {bound.kept:,.0f}; raise it, lower `keep_at_least` or `round_to`, widen "
        f"`include`{more}"
    )


def _too_sparse(bound: Budget, most: float) -> TargetError:
    return TargetError(
        f"`{bound.field}` must be at most {math.floor(1e4 * most / bound.whole) / 1e4:g} of "
        f"{DENOMINATORS[bound.unit]}, since the others stay by `n_of_m` or `keep_at_least`, but is "
        f"{bound.removed / bound.whole:.4g}; lower it, or them"
    )
