"""What must hold between a recipe's method and its other fields."""

from collections.abc import Iterator

from secateur.recipes.method_parts import Sensing
from secateur.recipes.names import ZEROED
from secateur.recipes.rule import Reads, Rule, Verb
from secateur.recipes.schema import Recipe
from secateur.recipes.sentences import listed, shown


def between_goes_with_cuts(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """What happens between cuts needs a method that cuts, and steps between them."""
    given = [name for name, value in (("l1", recipe.scheduled.l1), ("rewind", recipe.scheduled.rewind)) if value]
    if verb == "train" or not given:
        return
    field = f"`scheduled.{given[0]}`"
    if recipe.method not in ("scheduled", "low_rank") or moves(recipe):
        yield (
            f"{field} must go with the method scheduled or low_rank, but `method` is {recipe.method} with the "
            f"criterion {recipe.criterion.name}; leave it out"
        )
    if recipe.schedule.name == "one_shot" or (verb == "prune" and not recipe.trains):
        yield f"{field} must have training steps before units leave, but has none; use the schedule linear or cubic"
    if recipe.scheduled.rewind and recipe.schedule.end >= 1:
        yield "`schedule.end` must be below 1 with `scheduled.rewind`, or the last cut undoes all training, but is 1"
    if recipe.scheduled.rewind and recipe.targets is not None:
        yield "`targets` must be absent with `scheduled.rewind`, whose sizes would start over; use `target`"


def ranks_are_not_rounded_on_the_way(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Layers that keep all of their components become one matrix after training, which was never rounded."""
    falling = recipe.method == "low_rank" and recipe.schedule.name != "one_shot" and recipe.trains
    if recipe.quantize is not None and falling and verb == "prune":
        yield (
            "`quantize` must be absent where ranks fall in training, but is given: layers that keep all of theirs "
            "become one matrix at the end; use the schedule one_shot, or round the result in a run of its own"
        )


def gates_have_steps(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Gates are learnt in training."""
    if recipe.method == "l0" and verb == "prune" and not recipe.trains:
        yield (
            "`train` must have steps for the method l0, which learns what leaves, but has none; train, or use "
            "`method: scheduled`"
        )


def gates_can_learn(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Gates are learnt between the schedule's start and end, and sit on units of many weights."""
    if recipe.method != "l0" or verb == "train":
        return
    single = next((name for name in ("element", "n_of_m") if name in recipe.granularity), None)
    if single:
        yield (
            f"`granularity` must be units of many weights for the method l0, which learns a gate for each, but is "
            f"{single}; use block, head, ffn_unit, conv_channel, module or layer, or `method: scheduled`"
        )
    schedule = recipe.schedule
    if schedule.name == "one_shot":
        yield "`schedule` must be linear or cubic for the method l0, which learns along it, but is one_shot"
    elif schedule.start == schedule.end:
        yield (
            f"`schedule.end` must be above `schedule.start` for the method l0, but both are {schedule.end:g}; gates "
            f"need steps to learn in"
        )


def sensing_goes_with_zeros(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Stand-ins are sparse matrices, solved for in training."""
    if recipe.method != "compressed_sensing" or verb == "train":
        return
    if not set(ZEROED).intersection(recipe.granularity):
        yield (
            f"`granularity` must be {listed(ZEROED)} for the method compressed_sensing, whose stand-ins are sparse, "
            f"but is {shown(list(recipe.granularity))}; units that leave whole go with scheduled or l0"
        )
    if recipe.schedule.name == "one_shot":
        yield (
            "`schedule` must be linear or cubic for the method compressed_sensing, which solves along it, but is "
            "one_shot; use `method: scheduled`"
        )
    elif recipe.schedule.end == 0:
        yield (
            "`schedule.end` must be above 0 for the method compressed_sensing, which solves until then, but is 0; use "
            "`method: scheduled`"
        )
    if verb == "prune" and not recipe.trains:
        yield (
            "`train` must have steps for the method compressed_sensing, which works within training, but has none; "
            "train, or use `method: scheduled`"
        )
    yield from _use_fits(recipe.sensing)


def _use_fits(sensing: Sensing) -> Iterator[str]:
    if sensing.use == "forward" and sensing.pull:
        yield (
            f"`sensing.pull` must be absent or 0 with `use: forward`, where the model runs on the stand-ins, but is "
            f"{sensing.pull:g}; leave it out, or use project or pull"
        )
    if sensing.use == "pull" and sensing.pull == 0:
        yield "`sensing.pull` must be above 0 with `use: pull`, or weights never go to their stand-ins, but is 0"
    if sensing.dual and sensing.use != "pull":
        yield f"`sensing.dual` must go with `use: pull`, as in ADMM, but `use` is {sensing.use}; leave it out"


def rank_goes_with_low_rank(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """The method that makes two layers of one cuts components, and nothing else does."""
    if verb == "train":
        return
    low, rank = recipe.method == "low_rank", recipe.granularity == ("rank",)
    if low and not rank:
        yield (
            f"`granularity` must be rank for the method low_rank, but is {shown(list(recipe.granularity))}; units of "
            f"other kinds leave in a prune of their own, before this one"
        )
    if "rank" in recipe.granularity and not (low and rank):
        yield (
            f"`granularity` must have rank alone and with `method: low_rank`, but is {shown(list(recipe.granularity))} "
            f"with {recipe.method}: layers have no components before they are split"
        )


def factors_have_data(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Factors that are cut by more than the weights look at data."""
    if verb != "train" and recipe.method == "low_rank" and recipe.low_rank.factors != "svd" and not recipe.data.train:
        yield (
            f"`data.train` must be given for `low_rank.factors: {recipe.low_rank.factors}`, which looks at data, but "
            f"is absent; name a file, or use svd"
        )


def movement_has_steps(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """The criterion movement sums over training steps."""
    if moves(recipe) and verb == "prune" and not recipe.trains:
        yield (
            "`train` must have steps for the criterion movement, which sees weights move in them, but has none; train, "
            "or use taylor or magnitude"
        )


def movement_has_time(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """What leaves before any step cannot be chosen by steps."""
    if not moves(recipe) or verb == "train":
        return
    if recipe.schedule.name == "one_shot":
        yield (
            "`schedule` must be linear or cubic for the criterion movement, which sees weights move before they leave, "
            "but is one_shot"
        )
    elif recipe.schedule.end == 0:
        yield "`schedule.end` must be above 0 for the criterion movement, which sees weights move until then, but is 0"


def settles_once(recipe: Recipe) -> bool:
    """Whether the method finds what stays within training, once."""
    return recipe.method in ("l0", "compressed_sensing")


def moves(recipe: Recipe) -> bool:
    """Whether units may come back by the criterion movement."""
    return recipe.method != "l0" and recipe.criterion.name == "movement"


METHOD_RULES: tuple[tuple[Reads, Rule], ...] = (
    (("method", "criterion", "schedule", "scheduled", "targets", "train"), between_goes_with_cuts),
    (("method", "quantize", "schedule", "train"), ranks_are_not_rounded_on_the_way),
    (("method", "train"), gates_have_steps),
    (("method", "granularity", "schedule"), gates_can_learn),
    (("method", "criterion", "train"), movement_has_steps),
    (("method", "criterion", "schedule"), movement_has_time),
    (("method", "granularity"), rank_goes_with_low_rank),
    (("method", "low_rank", "data"), factors_have_data),
    (("method", "granularity", "schedule", "sensing", "train"), sensing_goes_with_zeros),
)
"""The fields that a rule reads, and the rule."""
