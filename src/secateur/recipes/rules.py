"""What must hold between the fields of a recipe, and between a recipe and a verb."""

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from typing import Literal

from secateur.errors import RecipeError
from secateur.recipes import train_fields
from secateur.recipes.architecture import TextArchitecture
from secateur.recipes.names import DATA_FREE, ZEROED, is_outside
from secateur.recipes.schema import Recipe
from secateur.recipes.sentences import listed, shown
from secateur.recipes.target import Target, Unit

Verb = Literal["train", "prune", "plan"]
Rule = Callable[[Recipe, Verb], Iterator[str]]


def check(recipe: Recipe, *, verb: Verb) -> None:
    """Check a recipe that was made in Python as `load` checks one from a file.

    Raises:
        RecipeError: Its fields do not go together, or not with `verb`; all problems are listed.
    """
    found = problems(recipe, verb=verb)
    if found:
        raise RecipeError(found)


def problems(recipe: Recipe, *, verb: Verb, unreadable: Collection[str] = ()) -> list[str]:
    """Return every broken rule as a sentence; rules that read an `unreadable` field are passed over."""
    rules = [rule for reads, rule in RULES if not set(reads) & set(unreadable)]
    return [problem for rule in rules for problem in rule(recipe, verb)]


def model_or_architecture(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Training starts from either; pruning from a model."""
    if verb == "train":
        if recipe.model is None and recipe.architecture is None:
            yield "`architecture` must be given to train from scratch, or `model` to fine-tune, but both are absent"
        if recipe.model is not None and recipe.architecture is not None:
            yield "`architecture` must be absent where `model` is given, but both are there; a model brings its own"
        return
    if recipe.model is None:
        yield f"`model` must be given to {verb}, but is absent; name a folder or a Hub id"
    if recipe.architecture is not None:
        yield f"`architecture` must be absent to {verb}, but is given; `model` names what to prune"


def target_where_pruning(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Pruning has a target, training has none."""
    if verb == "train" and recipe.sizes:
        yield "`target` must be absent to train a dense model, but is given; `secateur prune` prunes"
    if verb != "train" and not recipe.sizes:
        yield f"`target` must be given to {verb}, but is absent; for example `target: {{params: 0.5}}`"
    if recipe.target is not None and recipe.targets is not None:
        yield "`target` must be absent where `targets` is given, but both are there; name all sizes in `targets`"


def data_where_needed(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Training reads speech, and so does a data-driven criterion."""
    if recipe.data.train is not None or verb == "plan":
        return
    if verb == "train" or recipe.trains:
        advice = "" if verb == "train" else ", or set `train.max_steps` to 0 to prune without training"
        yield f"`data.train` must be given to {verb}, but is absent; name a manifest{advice}"
    elif recipe.criterion.name not in DATA_FREE and not is_outside(recipe.criterion.name):
        yield (
            f"`data.train` must be given for the criterion {recipe.criterion.name}, which looks at data, but is "
            "absent; name a manifest, or use magnitude"
        )


def zeros_alone(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Weights that become zeros and whole units do not leave in one run."""
    zeroed = next((name for name in ZEROED if name in recipe.granularity), None)
    if zeroed and len(recipe.granularity) > 1:
        yield (
            f"`granularity` must have {zeroed} alone, but is {shown(list(recipe.granularity))}: zeros inside a matrix "
            "and whole units are different targets; run two prunes one after the other"
        )


def target_fits_granularity(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Each unit of the target means something only where it can be counted."""
    units, zeroed = {unit for size in recipe.sizes for unit in size.units}, set(ZEROED).intersection(recipe.granularity)
    if "sparsity" in units and not zeroed:
        yield (
            f"`target.sparsity` must go with granularity {listed(ZEROED)}, but `granularity` is "
            f"{shown(list(recipe.granularity))}: units leave whole, and no zeros remain; use `target.params`"
        )
    if "bytes" in units and "rank" in recipe.granularity:
        yield (
            "`target.bytes` must go with units that leave their tensors, but `granularity` is rank, whose tensors have "
            "other names; use `target.params`"
        )
    for unit in sorted({"bytes", "macs"}.intersection(units) if zeroed else ()):
        yield (
            f"`target.{unit}` must go with units that leave whole, but `granularity` is "
            f"{shown(list(recipe.granularity))}: zeros stay stored and multiplied; use `target.params` or "
            "`target.sparsity`"
        )


def sizes_fall(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Several sizes come one after the other, each smaller than the one before in every unit, from a gradual method."""
    sizes = recipe.targets
    if sizes is None:
        return
    if len(sizes) < 2 or len({size.units for size in sizes}) > 1:
        yield (
            f"`targets` must be two or more sizes in the same units, but is {shown([s.name for s in sizes])}; for one "
            f"size, use `target`"
        )
        return
    for before, after in pairwise(sizes):
        if not all(_smaller(before, after, unit) for unit in before.units):
            yield f"`targets` must fall, but {after.name} comes after {before.name}; put the largest size first"
    if recipe.method in ("l0", "compressed_sensing"):
        yield (
            f"`targets` must go with scheduled or low_rank, but `method` is {recipe.method}, which settles once; use "
            f"`target`"
        )
    elif _moves(recipe):
        yield (
            "`targets` must go with a criterion that lets go for good, but `criterion` is movement, whose units may "
            "come back; use `target`"
        )


def _smaller(before: Target, after: Target, unit: Unit) -> bool:
    first, second = before.amount(unit), after.amount(unit)
    alike = (first < 1) == (second < 1)  # shares with shares, counts with counts
    return alike and (second > first if unit == "sparsity" else second < first)


def schedule_in_order(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """A schedule ends after it starts."""
    start, end = recipe.schedule.start, recipe.schedule.end
    if start > end:
        yield f"`schedule.start` must be at most `schedule.end`, but is {start:g} where the end is {end:g}"


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
    if verb == "prune" and not recipe.trains:
        yield (
            "`train` must have steps for the method compressed_sensing, which works within training, but has none; "
            "train, or use `method: scheduled`"
        )
    if not recipe.sensing.project and not recipe.sensing.pull:
        yield (
            "`sensing` must have `project` or a `pull` above 0, but has neither: weights would never go to their "
            "stand-ins"
        )


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
    if _moves(recipe) and verb == "prune" and not recipe.trains:
        yield (
            "`train` must have steps for the criterion movement, which sees weights move in them, but has none; train, "
            "or use taylor or magnitude"
        )


def movement_has_time(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """What leaves before any step cannot be chosen by steps."""
    if not _moves(recipe) or verb == "train":
        return
    if recipe.schedule.name == "one_shot":
        yield (
            "`schedule` must be linear or cubic for the criterion movement, which sees weights move before they leave, "
            "but is one_shot"
        )
    elif recipe.schedule.end == 0:
        yield "`schedule.end` must be above 0 for the criterion movement, which sees weights move until then, but is 0"


def _moves(recipe: Recipe) -> bool:
    return recipe.method != "l0" and recipe.criterion.name == "movement"


def teacher_has_a_lesson(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Distillation names what is compared, with whom, and happens in training."""
    distill = recipe.distill
    if distill is None:
        return
    if distill.layers is None and distill.logits is None:
        yield "`distill` must have `layers` or `logits`, but has neither; for example `distill: {layers: matched}`"
    if verb == "train" and distill.teacher is None:
        yield "`distill.teacher` must be given to train, but is absent; only a prune has a dense model to learn from"
    if verb == "prune" and not recipe.trains:
        yield "`distill` must be absent where nothing is trained, but is given; leave it out, or train"
    if isinstance(distill.taps, tuple) and list(distill.taps) != sorted(set(distill.taps)):
        yield f"`distill.taps` must be layers in rising order, but is {shown(list(distill.taps))}"


def heads_divide_width(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Heads share the width equally."""
    if recipe.architecture and recipe.architecture.hidden_size % recipe.architecture.heads:
        width, heads = recipe.architecture.hidden_size, recipe.architecture.heads
        yield (
            f"`architecture.hidden_size` must be a multiple of `architecture.heads`, but is {width} for {heads} heads; "
            f"did you mean {round(width / heads) * heads or heads}?"
        )


def rotary_heads_are_even(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Llama turns pairs of a head's numbers, so their number is even."""
    shape = recipe.architecture
    if isinstance(shape, TextArchitecture) and shape.family == "llama" and shape.hidden_size // shape.heads % 2:
        yield (
            f"`architecture.hidden_size` must give each of llama's heads an even width, but {shape.hidden_size} for "
            f"{shape.heads} heads makes it {shape.hidden_size // shape.heads}"
        )


def heads_share_keys(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Only Llama's heads share keys and values, equally many each."""
    shape = recipe.architecture
    if not isinstance(shape, TextArchitecture) or shape.key_value_heads is None:
        return
    if shape.family != "llama":
        yield f"`architecture.key_value_heads` must be absent for {shape.family}, but is given; only llama shares them"
    elif shape.heads % shape.key_value_heads:
        yield (
            f"`architecture.key_value_heads` must divide `architecture.heads`, but is {shape.key_value_heads} for "
            f"{shape.heads} heads"
        )


def training_arguments(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """`train` holds fields of transformers.TrainingArguments."""
    return train_fields.problems(recipe.train)


RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("model", "architecture"), model_or_architecture),
    (("data", "criterion", "train"), data_where_needed),
    (("architecture",), heads_divide_width),
    (("architecture",), heads_share_keys),
    (("architecture",), rotary_heads_are_even),
    (("granularity",), zeros_alone),
    (("schedule",), schedule_in_order),
    (("method", "train"), gates_have_steps),
    (("method", "granularity", "schedule"), gates_can_learn),
    (("method", "criterion", "train"), movement_has_steps),
    (("method", "criterion", "schedule"), movement_has_time),
    (("method", "granularity"), rank_goes_with_low_rank),
    (("method", "low_rank", "data"), factors_have_data),
    (("method", "granularity", "schedule", "sensing", "train"), sensing_goes_with_zeros),
    (("distill", "train"), teacher_has_a_lesson),
    (("target", "targets"), target_where_pruning),
    (("target", "targets", "granularity"), target_fits_granularity),
    (("targets", "method", "criterion"), sizes_fall),
    (("train",), training_arguments),
)
"""The fields that a rule reads, and the rule."""
