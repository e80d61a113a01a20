"""The target in its own unit, and what each removable unit saves of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

import torch

from secateur.errors import TargetError
from secateur.granularity import members
from secateur.group import Group

Unit = Literal["params", "bytes", "macs", "sparsity"]

DENOMINATORS = {
    "params": "the whole model",
    "bytes": "the whole weight file",
    "macs": "the whole model, per second of audio or per token",
    "sparsity": "the weights that may be pruned",
}
"""What a share is a share of, by unit."""


@final
@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much must go, and what each unit saves."""

    unit: Unit
    whole: float
    """The dense model's size in the unit."""

    kept: float
    """The size that may not be exceeded; for sparsity, the weights that may stay non-zero."""

    saved: Mapping[str, float]
    """Site -> what one unit of it saves, in the unit."""

    zeros: float = 0.0
    """Weights that are zero to begin with, where units become zeros in place: no part of `whole`, and masked first."""

    also: tuple["Budget", ...] = ()
    """Bounds in other units, which hold too."""

    field: str = ""
    """What a recipe calls it, for messages."""

    @property
    def removed(self) -> float:
        """How much must go."""
        return self.whole - self.kept


def kept_size(unit: Unit, wanted: float, whole: float, *, field: str) -> float:
    """Turn a share or an absolute number into the size to keep.

    A number below 1 is a share: kept of the whole, or, for sparsity, removed of it. `field` is what a recipe calls it.

    >>> [kept_size("params", wanted, 1000.0, field="target.params") for wanted in (0.5, 400)]
    [500.0, 400.0]
    >>> kept_size("sparsity", 0.8, 1000.0, field="target.sparsity")
    200.0
    >>> kept_size("params", 4000, 1000.0, field="target.params")
    Traceback (most recent call last):
    secateur.errors.TargetError: `target.params` must be below what the model has, 1,000, but is 4,000; nothing to do

    Raises:
        TargetError: The model is already that small, or all of its weights would be zero.
    """
    if unit == "sparsity":
        kept = whole - round(wanted * whole)
        if not kept:
            raise TargetError(
                f"`{field}` must leave a weight, but {wanted:.12g} of {whole:,.0f} is all of them; lower it"
            )
        return kept
    kept = wanted * whole if wanted < 1 else float(wanted)
    if kept >= whole:
        raise TargetError(
            f"`{field}` must be below what the model has, {whole:,.0f}, but is {kept:,.0f}; nothing to do"
        )
    return kept


def parameters_saved(groups: Sequence[Group], sizes: Mapping[str, torch.Size]) -> dict[str, float]:
    """Return what one unit of each site saves in parameters; `sizes` maps parameters' names to their shapes."""
    return {group.name: float(members(group, sizes)) for group in groups}


def macs_saved(groups: Sequence[Group], macs: Mapping[str, int]) -> dict[str, float]:
    """Return what one unit of each site saves in multiply-accumulates.

    A site's module spends in proportion to its units (each layer of a feed-forward module, each projection and score
    of attention, each layer of the convolution module), and so do the modules in `Group.also`; so one unit saves
    their number over the units.
    """
    spent = {group.name: sum(macs.get(module, 0) for module in (group.module, *group.also)) for group in groups}
    return {group.name: spent[group.name] / group.units for group in groups}
