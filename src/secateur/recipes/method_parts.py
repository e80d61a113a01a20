"""What single methods read of a recipe."""

from typing import Annotated, Literal, final

from pydantic import Field

from secateur.recipes.parts import Count, Part, Rate, Share, Weight


@final
class Between(Part):
    """What the method `scheduled` does beside cutting and training."""

    l1: Weight | None = None
    """Weight of the sum of magnitudes of all that may leave, in the loss until the structure is final."""

    rewind: bool = False
    """Put what stays back to where the run started, after every cut."""


@final
class Gates(Part):
    """How the method `l0` learns which units stay."""

    learning_rate: Rate = 0.05
    """Adam's step for the gates' log alpha."""

    multiplier_learning_rate: Rate = 6.0
    """What the multiplier of a bound in a second unit gains per step and unit of excess, a share of the dense size."""

    penalty: Rate = 600.0
    """Half of it weighs that excess squared: mu."""

    openness: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """How open gates are, on the whole, while nothing needs to leave yet."""

    prior: Annotated[float, Field(ge=0)] = 4.0
    """How far first-order scores, gathered before `schedule.start`, spread the gates' start; 0: all start alike."""

    sharpen: Annotated[float, Field(ge=1)] = 1.0
    """Factor that moves log alpha apart at every step of the rest, so that nothing is undecided at its end."""

    warm_up: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of the time between `schedule.start` and `schedule.end` in which the size wanted falls to the target; in
    the rest, gates decide themselves at that size."""


@final
class LowRank(Part):
    """How the method `low_rank` makes two layers of one."""

    factors: Literal["svd", "fisher", "whitened"] = "whitened"
    """What components are cut by: the weights alone; weighted by the Fisher information of each input; by the change
    of the layer's output."""


@final
class Sensing(Part):
    """How the method `compressed_sensing` finds sparse stand-ins, and how weights go to them."""

    operator: Literal["identity", "gaussian", "inputs", "loss"] = "loss"
    """Through what the compression error is seen: the weights themselves; random measurements; the layer's own inputs;
    or the task loss, by the size of each weight's gradients."""

    measurements: Annotated[float, Field(gt=0, le=16)] = 2.0
    """Random measurements per input, for `gaussian`."""

    level: Share = 0.5
    """How far the metric of `loss` is levelled between weights: 0 leaves it; at 1 every weight costs the same in the
    mean, and only within them it says what is dear."""

    iterations: Annotated[Count, Field(le=1000)] = 10
    """Steps of the solver, for `gaussian` and `inputs`; the others need one."""

    shrink: Share = 1.0
    """Share of the threshold that is taken off what stays: 1 is the l1 norm's, 0 none."""

    debias: bool = True
    """Free what stays of the shrinkage, on its support."""

    reentry: bool = True
    """Let what is zero come back until the schedule's end."""

    use: Literal["forward", "project", "pull"] = "forward"
    """What stand-ins are for: the model runs on their support, and the weights behind it train on; weights become them
    at due steps; weights are only drawn to them."""

    pull: Share | None = None
    """Share of the way to their stand-ins that weights go at every other step; null: 0.1, and none for `forward`."""

    dual: bool = False
    """Sum what is missing, as ADMM does, with `use: pull`."""


@final
class Quantize(Part):
    """Weights as integers, one scale per output."""

    bits: Annotated[int, Field(ge=2, le=8)] = 8
    """Bits of a weight, one of them its sign."""
