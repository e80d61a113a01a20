"""What each axis of a recipe may name: the one place where recipes know which parts exist."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from secateur.recipes.sentences import listed, nearest, shown

OUTSIDE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*[.:][A-Za-z_]\w*")
"""Code from outside, by dotted path: ``package.module:Name`` or ``package.module.Name``."""


NBEST = 50
"""Hypotheses kept per frame, hence about as many texts: twice as many lower the oracle WER of AN4's validation
set from 5.2 to 4.8 %."""

MOST_TEXTS = 1_000
"""Hypotheses beyond which a search takes minutes per utterance."""


@final
@dataclass(frozen=True, kw_only=True)
class Axis:
    """The names that one key of a recipe takes."""

    built: Mapping[str, str]
    """Name -> what it is, in one line, for ``secateur ls``."""

    outside: bool = False
    """Whether code from outside may be named too, by dotted path."""


# These names repeat the keys of the folders' own tables (`secateur.criteria.CRITERIA`, `secateur.granularity.
# GRANULARITIES`, ...): a recipe is validated without importing torch. A contract test compares the two; a new part is
# a line there and a line here.
AXES: Mapping[str, Axis] = {
    "method": Axis(
        built={
            "scheduled": "masks that grow along a schedule while the model trains, then surgery",
            "l0": "random gates that learn which units stay, under a constraint on the size",
            "low_rank": "every layer becomes two, whose components leave along a schedule",
            "compressed_sensing": "the model runs on sparse stand-ins of its weights, solved for anew along a schedule",
        },
    ),
    "criterion": Axis(
        built={
            "random": "a seeded draw: what every other criterion has to beat",
            "magnitude": "the size of the weights; needs no data",
            "taylor": "how much the loss moves when the unit leaves, to first order: w * dL/dw over some batches",
            "wanda": "the energy that it brings to what reads it: weights times the size of their inputs",
            "fisher": "how much the loss grows, to second order with weights independent: 1/2 (w * dL/dw)^2, summed",
            "movement": "how far training moves it away from zero: -w * dL/dw summed over the steps; it may come back",
        },
        outside=True,
    ),
    "granularity": Axis(
        built={
            "element": "single weights: zeros inside matrices that keep their shapes",
            "n_of_m": "single weights, of which N in every M neighbours stay: 2 of 4 unless said otherwise",
            "block": "tiles of a matrix, 16 x 4 unless said otherwise: zeros that kernels can skip",
            "ffn_unit": "a hidden unit of a feed-forward module",
            "head": "an attention head",
            "conv_channel": "a channel of a convolution module or of the front end",
            "module": "a whole residual module: a feed-forward, an attention or a convolution",
            "layer": "a whole block of the encoder",
            "rank": "a component of a layer in two factors",
        },
    ),
    "allocation": Axis(
        built={
            "uniform": "the same share at every site",
            "global_rank": "one ranking of all units of the model, best kept first",
            "cost_aware": "one ranking of score per cost: what is dear must earn its place",
        },
        outside=True,
    ),
    "schedule": Axis(
        built={
            "one_shot": "everything leaves at once",
            "linear": "the same share leaves at every pruning step",
            "cubic": "much at first, ever less towards the end",
        },
        outside=True,
    ),
}

LATER_FIELDS: Mapping[str, str] = {
    "target.latency": "use `target.params`, `target.bytes` or `target.macs`",
}
"""Keys that the documentation knows and the code does not, yet -> what to do meanwhile."""

DATA_FREE = ("random", "magnitude")
"""The criteria that score without looking at any data."""


SIZE = "size"
"""What several sizes of one run are told apart by: a field of their reports, and an axis of a sweep's results."""


ZEROED = ("element", "n_of_m", "block")
"""The granularities whose units become zeros where they are, so that no shape changes."""


def known(axis: str, name: object) -> str:
    """Return `name` if `axis` has it.

    >>> known("criterion", "taylor"), known("criterion", "my_code.scores:Mine")
    ('taylor', 'my_code.scores:Mine')

    Raises:
        ValueError: It has not; the message is the rest of a sentence that begins with the field.
    """
    names = AXES[axis]
    if isinstance(name, str) and (name in names.built or (names.outside and is_outside(name))):
        return name
    raise ValueError(f"must be {_allowed(names)}, but is {shown(name)}{_advice(names, name)}")


def is_outside(name: str) -> bool:
    """Whether `name` names code from outside.

    >>> is_outside("taylor"), is_outside("my_code:Mine"), is_outside("my.code.Mine")
    (False, True, True)
    """
    return OUTSIDE.fullmatch(name) is not None


def _allowed(names: Axis) -> str:
    allowed = listed(tuple(names.built))
    return f"{allowed}, or a dotted path to your own as `package.module:Name`" if names.outside else allowed


def _advice(names: Axis, name: object) -> str:
    best = nearest(name, names.built)
    return f"; did you mean {best}?" if best else ""
