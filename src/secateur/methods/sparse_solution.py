"""The sparse solution of compressed sensing: which units of all weights leave, and what stands in for the weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, final

import torch
from torch import Tensor, nn

from secateur.allocation import Allocation, Budget, fill_within, hold
from secateur.granularity import unit_sums
from secateur.group import Group
from secateur.masks import broadcast, select
from secateur.methods.limits import Limits
from secateur.methods.matrices import as_matrices, as_weight
from secateur.methods.sensing import Sensing
from secateur.methods.stand_ins import Aim, stand_ins


class Weight(NamedTuple):
    """What is solved for."""

    group: Group
    layer: nn.Module
    values: Tensor
    may_stay: Tensor
    """Units that may be anything but zero, bool (units,), on any device; the others leave before all else."""

    @property
    def tensor(self) -> str:
        """The name."""
        return self.group.slices[0].tensor


class Solution(NamedTuple):
    """What was found for every weight."""

    stand_ins: dict[str, Tensor]
    """Tensor -> values of the weight's shape, zero where units leave."""

    masks: dict[str, Tensor]
    """Site -> what stays, bool (units,), on the processor."""

    prices: dict[str, Tensor]
    """Tensor -> diagonal of the operator in the weight's shape, at most 1; absent where it is 1 all over."""


class Seen(NamedTuple):
    """How an operator sees a weight."""

    moments: Tensor | None
    price: Tensor | float
    """Of the square of each single weight, in the compression error."""

    scale: Tensor | float
    """What weights are multiplied by to be measured alike."""


@final
@dataclass(frozen=True)
class SparseSolver:
    """Finds the stand-ins of all weights at which a share of what a budget removes is zero.

    The problem, and what the settings mean: `CompressedSensing`.
    """

    sensing: Sensing
    allocation: Allocation
    budget: Budget
    limits: Limits
    iterations: int
    shrink: float
    debias: bool

    def solve(self, weights: Mapping[str, Weight], *, step: int, share: float) -> Solution:
        """Return the solution at a step of training, all keyed by tensor.

        Raises:
            TargetError: Not that much can be removed.
        """
        known = {tensor: self.sensing.metric(tensor) for tensor in weights}
        metrics = comparable(known, weights, level=self.sensing.level)
        seen = {tensor: self._seen(weight, metrics.get(tensor), step=step) for tensor, weight in weights.items()}
        leaving = self._leaving(weights, seen, share=share)
        found = self._stand_ins(weights, seen, leaving)
        masks: dict[str, Tensor] = {}
        for tensor, weight in weights.items():
            support = _support(weight, found[tensor] * seen[tensor].scale, leaving=leaving[tensor])
            found[tensor] *= _over(support, weight)
            masks[weight.group.name] = support.cpu()
        prices = {
            tensor: one.price / one.price.max()
            for tensor, one in seen.items()
            if one.moments is not None and isinstance(one.price, Tensor)
        }
        return Solution(found, masks, prices)

    def _seen(self, weight: Weight, metric: Tensor | None, *, step: int) -> Seen:
        """Ask the operator how it sees a weight."""
        size = as_matrices(weight.layer, weight.values).shape[2]
        moments = self.sensing.moments(weight.tensor, size, step=step, like=weight.values)
        if metric is not None:
            return Seen(moments, metric, metric.sqrt().clamp_min(torch.finfo(metric.dtype).eps))
        return Seen(moments, 1.0 if moments is None else _diagonal(weight, moments), 1.0)

    def _leaving(self, weights: Mapping[str, Weight], seen: Mapping[str, Seen], *, share: float) -> dict[str, int]:
        """Return how many units every weight is to lose, by the compression error that each alone would make."""
        scores: dict[str, Tensor] = {}
        for tensor, weight in weights.items():
            errors = {tensor: weight.values.square() * seen[tensor].price}
            scores[weight.group.name] = _rankable(weight, unit_sums(weight.group, errors, gate_only=False))
        groups = [weight.group for weight in weights.values()]
        rank = partial(self.allocation, scores, groups)
        limits = {"keep_at_least": self.limits.keeping(), "round_to": self.limits.rounding()}
        shares = fill_within(rank, groups, self.budget, share=share, **limits)
        return {tensor: round(weight.group.units * shares[weight.group.name]) for tensor, weight in weights.items()}

    def _stand_ins(
        self, weights: Mapping[str, Weight], seen: Mapping[str, Seen], leaving: Mapping[str, int]
    ) -> dict[str, Tensor]:
        wanted: list[Aim] = []
        for tensor, weight in weights.items():
            values = weight.values * _over(weight.may_stay, weight) * seen[tensor].scale
            free = None if weight.may_stay.all() else weight.may_stay
            wanted.append(Aim(weight.group, weight.layer, values, seen[tensor].moments, leaving[tensor], free))
        found = stand_ins(wanted, iterations=self.iterations, shrink=self.shrink, debias=self.debias)
        return {tensor: stand_in / seen[tensor].scale for tensor, stand_in in found.items()}


def comparable(
    metrics: Mapping[str, Tensor | None], weights: Mapping[str, Weight], *, level: float = 0.0
) -> dict[str, Tensor]:
    r"""Return an operator's metrics such that they can be compared over all weights; nothing where it has none.

    A weight's metric D becomes :math:`D (\bar D_{all} / \bar D)^{level}`: at 0 it is as it is, at 1 every weight costs
    the same in the mean.

    Gates of a recurrent layer saturate, and the loss looks flat in their weights, though without these they would not
    be saturated. So within each of its rows the metric says what is dear, and between rows and to the rest of the model
    every row costs what weights cost in the mean. So do weights whose gradients are not seen.
    """
    known = [metric for metric in metrics.values() if metric is not None]
    if not known:
        return {}
    mean = torch.stack([metric.sum() for metric in known]).sum() / sum(metric.numel() for metric in known)
    found: dict[str, Tensor] = {}
    for tensor, weight in weights.items():
        metric = metrics[tensor]
        if metric is None:
            found[tensor] = mean.expand_as(weight.values)
        elif isinstance(weight.layer, nn.RNNBase):
            rows = metric.mean(1, keepdim=True)
            found[tensor] = torch.where(rows > 0, metric / rows, 1.0) * mean
        else:
            found[tensor] = metric * (mean / metric.mean()) ** level if level and metric.any() else metric
    return found


def _diagonal(weight: Weight, moments: Tensor) -> Tensor:
    """Return the operator's diagonal in the shape of the weight."""
    rows = as_matrices(weight.layer, torch.zeros_like(weight.values)) + moments.diagonal()
    return as_weight(weight.layer, rows, tuple(weight.values.shape))


def _over(mask: Tensor, weight: Weight) -> Tensor:
    """Spread a mask over units to one over single weights."""
    return broadcast(mask.to(weight.values.device), weight.group.slices[0], weight.values.shape)


def _rankable(weight: Weight, scores: Tensor) -> Tensor:
    """Let what may not stay leave first, and hold the best of neighbours."""
    return hold(scores, weight.group.runs, here=weight.may_stay)


def _support(weight: Weight, found: Tensor, *, leaving: int) -> Tensor:
    """Return which units of a solution stay, exactly as many as are to; ties are broken as everywhere."""
    energies = unit_sums(weight.group, {weight.tensor: found.square()}, gate_only=False)
    return select(_rankable(weight, energies), leaving / weight.group.units)
