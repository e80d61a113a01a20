"""The recipe: everything that a run is told."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, cast, final

from pydantic import AfterValidator, BeforeValidator, Field

from secateur.recipes.architecture import AnyArchitecture
from secateur.recipes.method_parts import Between, Gates, LowRank, Quantize, Sensing
from secateur.recipes.names import known
from secateur.recipes.parts import (
    Augment,
    Bench,
    Count,
    Data,
    Distill,
    Named,
    Part,
    Rescore,
    Seconds,
    Share,
    spread,
)
from secateur.recipes.paths import expand_if_given
from secateur.recipes.sentences import shown
from secateur.recipes.target import Target

Tile = Annotated[tuple[Count, Count], Field(strict=False)]
Patterns = Annotated[tuple[str, ...], Field(strict=False)]

MAX_SEED = 2**32 - 1
"""numpy's largest seed."""


def _operator(value: object) -> object:
    return {"operator": value} if isinstance(value, str) else value


def _known(axis: str) -> Callable[[Named], Named]:
    def check(part: Named) -> Named:
        known(axis, part.name)
        return part

    return check


def _units(value: object) -> tuple[str, ...]:
    given = cast("tuple[object, ...]", tuple(value) if isinstance(value, list | tuple) else (value,))
    units = tuple(known("granularity", unit) for unit in given)
    if not units:
        raise ValueError("must name at least one, but is an empty list")
    if len(set(units)) < len(units):
        raise ValueError(f"must name each only once, but is {shown(list(units))}")
    return units


def _sizes(value: object) -> object:
    """Read numbers as shares of the parameters."""
    if not isinstance(value, list | tuple):
        return value
    given = cast("list[object]", list(value))
    return tuple(one if isinstance(one, dict | Target) else {"params": one} for one in given)


def _some_leave(value: tuple[int, int]) -> tuple[int, int]:
    stay, of = value
    if stay >= of:
        raise ValueError(f"must keep fewer than it takes together, but is {shown(list(value))}; for example [2, 4]")
    return value


def _known_keys(value: dict[str, int]) -> dict[str, int]:
    for key in value:
        try:
            known("granularity", key)
        except ValueError as error:
            raise ValueError(f"has the key {shown(key)}, which {error}") from None
    return value


@final
class Schedule(Part):
    """When what leaves, in shares of the training steps: after `end`, the small model recovers."""

    name: Annotated[str, AfterValidator(partial(known, "schedule"))] = "cubic"
    """The curve between `start` and `end`."""

    start: Share = 0.0
    """Share of the training steps before anything leaves."""

    end: Share = 0.6
    """Share of the training steps after which nothing leaves any more; at least `start`."""

    every: Count | None = None
    """Steps between two prunings; null leaves it to the method."""


@final
class Recipe(Part):
    """One run: a model, its data, what leaves and when, how it is trained and measured.

    Each field is valid by itself here; `secateur.recipes.check` says whether they go together, and with a verb.
    """

    model: Annotated[str | None, BeforeValidator(expand_if_given)] = None
    """The dense model: a folder or a Hub id. Absent when training from scratch."""

    architecture: AnyArchitecture | None = None
    """The model to train from scratch."""

    data: Data = Data()
    """The speech or text: files for `train`, `valid` and `test`."""

    augment: Augment = Augment()
    """What is done to the training speech."""

    batch_seconds: Seconds = 60.0
    """Seconds of padded audio per batch."""

    max_seconds: Seconds = 30.0
    """Longer utterances are left out of training."""

    batch_tokens: Count = 4096
    """Tokens of padded text per batch, for a language model."""

    max_tokens: Count = 256
    """Longer sentences are left out of training; the model itself may read fewer."""

    method: Annotated[str, AfterValidator(partial(known, "method"))] = "scheduled"
    """How pruning and training go together."""

    criterion: Annotated[Named, BeforeValidator(spread), AfterValidator(_known("criterion"))] = Named(name="taylor")
    """How important each unit is."""

    granularity: Annotated[tuple[str, ...], BeforeValidator(_units)] = ("head", "ffn_unit", "conv_channel")
    """What leaves together: one or several. `element`, `n_of_m` and `block` go alone."""

    n_of_m: Annotated[Tile, AfterValidator(_some_leave)] = (2, 4)
    """N and M of the granularity `n_of_m`: of M consecutive inputs, N weights stay."""

    block: Tile = (16, 4)
    """Outputs and inputs of a tile of the granularity `block`."""

    allocation: Annotated[Named, BeforeValidator(spread), AfterValidator(_known("allocation"))] = Named(
        name="cost_aware"
    )
    """How the target is shared out among the sites."""

    schedule: Annotated[Schedule, BeforeValidator(spread)] = Schedule()
    """When what leaves."""

    scheduled: Between = Between()
    """What the method `scheduled` does between its cuts."""

    gates: Gates = Gates()
    """How the method `l0` learns."""

    low_rank: LowRank = LowRank()
    """How the method `low_rank` splits layers."""

    sensing: Annotated[Sensing, BeforeValidator(_operator)] = Sensing()
    """How the method `compressed_sensing` finds what to keep; in YAML just the operator where nothing else is set."""

    target: Target | None = None
    """How small the model shall become."""

    targets: Annotated[tuple[Target, ...] | None, BeforeValidator(_sizes)] = None
    """Several sizes from one run, in falling order, instead of `target`: shares of the parameters, or targets."""

    cool_down: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Steps that each of several sizes is trained by itself, as a share of the training steps."""

    distill: Distill | None = None
    """What is learnt from a teacher in training, whatever the method."""

    quantize: Quantize | None = None
    """Round weights to what integers can hold as soon as the structure is final, and train on so; null: do not."""

    include: Patterns = ("*",)
    """Glob patterns of the sites that may lose units."""

    exclude: Patterns = ()
    """Glob patterns of the sites that may not, whatever `include` says."""

    round_to: Count = 1
    """Units kept per site are a multiple of this; 8 or 16 where kernels care."""

    keep_at_least: Annotated[dict[str, Count], AfterValidator(_known_keys)] = Field(default_factory=dict[str, int])
    """Granularity -> units that stay at every site, whatever their score."""

    calibration_batches: Count = 16
    """Training batches that a data-driven criterion looks at when it scores in one shot."""

    reestimate_batches: Annotated[int, Field(ge=0)] = 0
    """Batches whose statistics the batch norms take on as soon as the structure is final; 0 keeps their averages."""

    train: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Fields of `transformers.TrainingArguments`, by their own names; ``max_steps: 0`` trains nothing."""

    rescore: Rescore | None = None
    """For a language model: what it is worth to a recognizer, before and after."""

    bench: Bench | None = Bench()
    """How latency and memory are measured; ``null`` where they are not."""

    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    """Seed of everything that is drawn."""

    @property
    def sizes(self) -> tuple[Target, ...]:
        """The sizes asked for, the smallest last.

        >>> [size.name for size in Recipe(targets=[0.8, 0.5]).sizes], Recipe().sizes
        (['params-0.8', 'params-0.5'], ())
        """
        if self.targets is not None:
            return self.targets
        return () if self.target is None else (self.target,)

    @property
    def trains(self) -> bool:
        """Whether any step is trained.

        `transformers` itself takes ``max_steps: 0`` for "not given", so whoever builds the trainer asks here first.

        >>> Recipe().trains, Recipe(train={"max_steps": 0}).trains, Recipe(train={"num_train_epochs": 0}).trains
        (True, False, False)
        """
        steps = self.train.get("max_steps", -1)
        return steps != 0 and not (steps == -1 and self.train.get("num_train_epochs") == 0)


PRUNING: tuple[str, ...] = (
    "method",
    "criterion",
    "granularity",
    "n_of_m",
    "block",
    "allocation",
    "schedule",
    "scheduled",
    "gates",
    "low_rank",
    "sensing",
    "target",
    "targets",
    "cool_down",
    "quantize",
    "include",
    "exclude",
    "round_to",
    "keep_at_least",
    "calibration_batches",
    "reestimate_batches",
    "rescore",
)
"""The fields that say nothing where nothing is pruned."""
