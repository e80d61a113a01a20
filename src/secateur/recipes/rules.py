"""What must hold between the fields of a recipe, and between a recipe and a verb."""

from collections.abc import Collection, Iterator
from itertools import pairwise

from secateur.errors import RecipeError
from secateur.recipes import train_fields
from secateur.recipes.architecture import TextArchitecture
from secateur.recipes.method_rules import METHOD_RULES, moves, settles_once
from secateur.recipes.names import DATA_FREE, ZEROED, is_outside
from secateur.recipes.rule import Reads, Rule, Verb
from secateur.recipes.schema import Recipe, Schedule
from secateur.recipes.sentences import listed, shown
from secateur.recipes.target import Target, Unit


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
    if verb != "train" and recipe.target is None and recipe.targets is None:
        yield f"`target` must be given to {verb}, but is absent; for example `target: {{params: 0.5}}`"
    if recipe.target is not None and recipe.targets is not None:
        yield "`target` must be absent where `targets` is given, but both are there; name all sizes in `targets`"


def data_where_needed(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """Training reads data, and so does a data-driven criterion."""
    if recipe.data.train is not None or verb == "plan":
        return
    if verb == "train" or recipe.trains:
        needed = verb == "train" or settles_once(recipe) or moves(recipe)
        advice = "" if needed else ", or set `train.max_steps` to 0 to prune without training"
        use = f" with `sensing.operator: {recipe.sensing.operator}`" if recipe.method == "compressed_sensing" else ""
        yield f"`data.train` must be given to {verb}{use}, but is absent; name a manifest{advice}"
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
    if sizes[0].sparsity == 0:
        yield "`targets` must begin with a sparsity above 0, but is 0, where nothing leaves; name the first to be made"
    for before, after in pairwise(sizes):
        if not all(_alike(before, after, unit) for unit in before.units):
            yield f"`targets` must be all shares or all counts, but {before.name} and {after.name} are one of each"
        elif not all(_smaller(before, after, unit) for unit in before.units):
            yield f"`targets` must fall, but {after.name} comes after {before.name}; put the largest size first"
    if settles_once(recipe):
        yield (
            f"`targets` must go with scheduled or low_rank, but `method` is {recipe.method}, which settles once; use "
            f"`target`"
        )
    elif moves(recipe):
        yield (
            "`targets` must go with a criterion that lets go for good, but `criterion` is movement, whose units may "
            "come back; use `target`"
        )


def _smaller(before: Target, after: Target, unit: Unit) -> bool:
    first, second = before.amount(unit), after.amount(unit)
    return second > first if unit == "sparsity" else second < first


def _alike(before: Target, after: Target, unit: Unit) -> bool:
    return (before.amount(unit) < 1) == (after.amount(unit) < 1)


def schedule_in_order(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """A schedule ends after it starts."""
    start, end = recipe.schedule.start, recipe.schedule.end
    if start > end:
        yield f"`schedule.start` must be at most `schedule.end`, but is {start:g} where the end is {end:g}"


def one_shot_has_no_course(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """What leaves before the first step has no start, no end and nothing between."""
    plain = Schedule()
    given = [name for name in ("start", "end", "every") if getattr(recipe.schedule, name) != getattr(plain, name)]
    if recipe.schedule.name == "one_shot" and given and verb != "train":
        yield (
            f"`schedule.{given[0]}` must be absent for one_shot, where everything leaves before the first step, but is "
            f"{getattr(recipe.schedule, given[0]):g}; write `schedule: one_shot`, or use linear or cubic"
        )


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


def rescoring_is_tuned_apart(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """What a weight is tuned on makes error rates on it too good."""
    if recipe.rescore is None:
        return
    given = (recipe.rescore.data, recipe.rescore.tune_on)
    data, tune_on = ({paths} if isinstance(paths, str) else set(paths) for paths in given)
    shared = sorted(data & tune_on)
    if shared:
        yield (
            f"`rescore.tune_on` must be other speech than `rescore.data`, but {shown(shared[0])} is in both; name a "
            f"validation set"
        )


def training_arguments(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """`train` holds fields of transformers.TrainingArguments."""
    return train_fields.problems(recipe.train)


def rates_wait_for_no_plateau(recipe: Recipe, verb: Verb) -> Iterator[str]:
    """While units leave, validation says nothing that a learning rate could hang on."""
    gradual = verb != "train" and recipe.schedule.name != "one_shot"
    if gradual and recipe.train.get("lr_scheduler_type") == train_fields.PLATEAU:
        yield (
            f"`train.lr_scheduler_type` must be one that follows the steps, but is {train_fields.PLATEAU}: before the "
            f"target is reached no validation counts; use cosine or linear"
        )


RULES: tuple[tuple[Reads, Rule], ...] = (
    (("model", "architecture"), model_or_architecture),
    (("data", "criterion", "method", "sensing", "train"), data_where_needed),
    (("architecture",), heads_divide_width),
    (("architecture",), heads_share_keys),
    (("architecture",), rotary_heads_are_even),
    (("granularity",), zeros_alone),
    (("schedule",), schedule_in_order),
    (("schedule",), one_shot_has_no_course),
    (("distill", "train"), teacher_has_a_lesson),
    (("target", "targets"), target_where_pruning),
    (("target", "targets", "granularity"), target_fits_granularity),
    (("targets", "method", "criterion"), sizes_fall),
    (("rescore",), rescoring_is_tuned_apart),
    (("train",), training_arguments),
    (("train", "schedule"), rates_wait_for_no_plateau),
    *METHOD_RULES,
)
"""The fields that a rule reads, and the rule."""
