"""Learn which units stay: a random gate on each, under a constraint on the expected size."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn

from secateur.allocation import Budget, expected_saved, hold, saved_so_far
from secateur.criteria import Taylor
from secateur.group import Group, Masks
from secateur.masks import Gates, MaskState, not_empty
from secateur.methods.choose import choose
from secateur.methods.finite import finite_gradients
from secateur.methods.gate_parameters import GATE_LEARNING_RATE, TINY, GateParameters
from secateur.methods.lagrangian import Lagrangian
from secateur.methods.limits import Limits
from secateur.methods.prefixes import inside, under
from secateur.methods.scores import RunningScores, of_called, unit_scores
from secateur.schedules import Schedule, last_step

MULTIPLIER_LEARNING_RATE = 6.0
PENALTY = 600.0
"""Of a bound in a second unit: what its multiplier gains from one step with an excess of 1, and the weight of the
square. Ours, chosen on simulated gates (`benchmarks/gates.py`)."""

OPENNESS = 0.9
"""How open gates are on the whole while nothing needs to leave yet: open, since the model is trained, yet not so
certain that nothing is learnt. DPHuBERT (arXiv 2305.17651) starts heads and channels at 0.99, CoFi feed-forward units
at 0.5."""

PRIOR = 4.0
"""Standard deviation of log alpha that first-order scores give the gates' start. Ours: in runs of some hundred steps
gates that start alike fall alike, and their order is the noise of a few batches. So wide that at any time few gates are
undecided, which is what their chance costs the weights."""

SHARPEN = 1.0
"""Factor that moves log alpha apart at every step once the wanted size is the target; 1 is no change."""


@final
class L0:
    r"""Structured pruning with hard-concrete gates at an exact expected size.

    From the schedule's start on, each step draws gates z(log alpha), the weights train under them, and
    :math:`\log\alpha` descends on

    .. math:: L(W \odot z) \quad \text{subject to} \quad E[size] = size_t

    with size_t falling along the schedule: after each step all :math:`\log\alpha` move by the one number at which the
    expected size is the one wanted. Bounds in further units are priced, by an augmented Lagrangian
    (`Lagrangian`). At progress `end` the gates are settled: units
    leave in the order of log alpha until the target is met exactly, what gates remain are folded into the weights, and
    the rest of the training recovers with that structure. Between two steps the model holds the gates' values without
    chance, so that what is validated or saved is one model.

    Steps before the schedule's start train the weights alone and gather first-order scores, which spread the gates'
    start: log alpha = logit(openness) + prior * r, with r the logarithm of the score per size saved, brought to mean 0
    and deviation 1. Without such steps all gates start alike.

    Draws hang on the seed and the step alone: the same on all processes, and in a resumed run.

    Source: Louizos et al. 2018 (arXiv 1712.01312); Wang et al. 2020 (arXiv 1910.04732); Xia et al. 2022 (CoFi, arXiv
    2204.00408). The system: Jiang et al. 2023 (arXiv 2305.19549), whose equations could not be had.
    Differs: the target is met exactly, by a projection onto it; settled gates are those of Louizos et al. (eq. 13)
    instead of CoFi's sigmoid, so that an open gate is exactly 1. Gradients of gates are as clipped by the trainer.
    """

    def __init__(
        self,
        *,
        budget: Budget,
        schedule: Schedule,
        start: float,
        end: float,
        limits: Limits | None = None,
        seed: int = 0,
        gate_learning_rate: float = GATE_LEARNING_RATE,
        multiplier_learning_rate: float = MULTIPLIER_LEARNING_RATE,
        penalty: float = PENALTY,
        openness: float = OPENNESS,
        prior: float = PRIOR,
        sharpen: float = SHARPEN,
    ) -> None:
        """`schedule` is the curve of the size wanted; gates are drawn from progress `start` on and settled at `end`."""
        self.budget = budget
        self._schedule = schedule
        self._start = start
        self._end = end
        self._limits = limits or Limits()
        self._seed = seed
        self._rate = gate_learning_rate
        self._prices = [Lagrangian(penalty=penalty, learning_rate=multiplier_learning_rate) for _ in budget.also]
        self._openness = openness
        self._prior = prior
        self._sharpen = sharpen
        self._scores = RunningScores(1.0)
        self._settled = False
        self._share = 0.0

    def prepare(self, model: nn.Module, groups: Sequence[Group], *, total_steps: int) -> None:
        """Attach to a model; every gate starts open, and blocks that are zero already stay so."""
        self._model = model
        self._groups = list(groups)
        self._total = total_steps
        self._last = last_step(self._end, total_steps)
        self._parameters = GateParameters(self._groups, openness=self._openness, learning_rate=self._rate)
        self._gates = Gates(model, groups)
        self._masks = MaskState(model, groups)
        self._masks.set(not_empty(model, groups))
        least = float(self._expected(self.budget.saved, self._parameters.openness()).detach())
        self._least = min(least, self.budget.zeros + self.budget.removed)
        self._device = next(model.parameters()).device
        self._drawn: Tensor | None = None

    @property
    def needs_batches(self) -> bool:
        """Whether there is something to learn before units can leave."""
        return True

    def begin(self, step: int) -> None:
        """Draw the step's gates and put them on the weights."""
        if self._settled or step <= self._start * self._total:
            return
        if self._scores.count:
            self._parameters.spread(self._worth(), deviation=self._prior)
            self._scores = RunningScores(1.0)
            self._match()
        self._drawn = self._parameters.draw(seed=self._seed, step=step)
        self._put(self._drawn)

    def gather(self, step: int) -> None:
        """Take the gates off and move them along their gradients, at the size that is wanted now."""
        if self._drawn is None:
            if not self._settled and self._prior and finite_gradients(self._model.parameters()):
                scores = unit_scores(self._model, self._groups, Taylor())
                self._scores.add(of_called(scores, self._model, self._groups, Taylor()))
            return
        seen = self._gates.take()
        gradient = torch.cat([seen[group.name].cpu().double() for group in self._groups])
        self._share = self._schedule.share(step / self._total)
        if finite_gradients(self._model.parameters()):  # in fp16 some steps overflow, and the trainer skips them
            self._learn(self._drawn, gradient)
        self._drawn = None

    def step(self, step: int) -> None:
        """Settle when it is time; until then show the model with the gates' values without chance."""
        self._masks.apply()
        if self._settled:
            return
        if step >= self._last:
            self._settle()
        elif step > self._start * self._total:
            self._put(self._parameters.settled())

    def finish(self) -> Masks:
        """Settle if that has not been done, take the hooks off, return the masks."""
        if not self._settled:
            self._settle()
        self._masks.release()
        return dict(self._masks.masks)

    @property
    def at_target(self) -> bool:
        """Whether the gates are settled."""
        return self._settled

    @property
    def numbers(self) -> Mapping[str, float]:
        """Log the shares kept: wanted by the schedule, expected of the gates, reached without chance; and the gates."""
        whole, saved = self.budget.whole, self.budget.saved
        zeros = self.budget.zeros
        reached = 1.0 - (saved_so_far(self._groups, saved, self._open()) - zeros) / whole
        expected = 1.0 - (float(self._expected(saved, self.openness)) - zeros) / whole
        return {
            "kept_wanted": 1.0 - self._share * self.budget.removed / whole,
            "kept_expected": expected,
            "kept_reached": reached,
            **{f"multiplier_{bound.unit}": price.multiplier for bound, price in self._bounds()},
            **self._open_by_granularity(),
        }

    @property
    def openness(self) -> dict[str, Tensor]:
        """Return the probability of each unit to stay, by site: shape (units,)."""
        if self._settled:
            return {site: mask.double() for site, mask in self._masks.masks.items()}
        return {site: chance.detach() for site, chance in self._present(self._parameters.openness()).items()}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return gates and their optimizer, the multipliers, the weights without gates, and the masks once settled."""
        parts = {
            **under("gate/", self._parameters.state()),
            **under("score/", self._scores.scores),
            **under("raw/", self._gates.raw()),
            **under("mask/", self._masks.masks),
        }
        return parts, {
            "settled": self._settled,
            "share": self._share,
            "scores": self._scores.values(),
            "least": self._least,
            "multipliers": [price.multiplier for price in self._prices],
        }

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Take up a state: the model has the weights of the same checkpoint already."""
        self._settled, self._share = bool(values["settled"]), float(values["share"])
        self._parameters.load(inside("gate/", tensors))
        for price, multiplier in zip(self._prices, values["multipliers"], strict=True):
            price.multiplier = float(multiplier)
        self._scores.load(inside("score/", tensors), values["scores"])
        self._least = float(values["least"])
        raw = inside("raw/", tensors)
        self._gates.load(raw)
        self._masks.set({site: mask.bool() for site, mask in inside("mask/", tensors).items()})
        if raw and not self._settled:
            self._put(self._parameters.settled())

    def _learn(self, drawn: Tensor, gradient: Tensor) -> None:
        """Move log alpha down, back to the size that is wanted, and the prices of further bounds up by their excess."""
        openness = self._parameters.openness()
        excesses = [self._excess(bound, openness) for bound in self.budget.also]
        penalties = [price(excess) for price, excess in zip(self._prices, excesses, strict=True)]
        self._parameters.descend(drawn, gradient, torch.stack([drawn.new_zeros(()), *penalties]).sum())
        if self._share >= 1.0:
            self._parameters.sharpen(self._sharpen)
        self._match()
        for price, excess in zip(self._prices, excesses, strict=True):
            price.ascend(float(excess.detach()))

    def _match(self) -> None:
        """Bring the expected size to the one wanted now."""
        wanted = max(self.budget.zeros + self._share * self.budget.removed, self._least)
        self._parameters.shift(partial(self._expected, self.budget.saved), wanted)

    def _expected(self, saved: Mapping[str, float], openness: Mapping[str, Tensor]) -> Tensor:
        """Return what is saved in expectation, what was zero to begin with included."""
        return expected_saved(self._groups, saved, self._present(openness))

    def _present(self, openness: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return openness without that of units which have left: their gates learn nothing."""
        return {site: chance.masked_fill(~self._masks.masks[site], 0.0) for site, chance in openness.items()}

    def _worth(self) -> dict[str, Tensor]:
        """Return every unit's first-order score by what it saves."""
        saved = self.budget.saved
        unseen = {group.name: torch.zeros(group.units) for group in self._groups}
        return {site: scores / (saved[site] + TINY) for site, scores in (unseen | self._scores.scores).items()}

    def _settle(self) -> None:
        """Project onto the target and fold the gates of what stays into its weights."""
        learnt = self._parameters.split(self._parameters.log_alpha.detach())
        scores = {g.name: hold(learnt[g.name], g.runs, here=self._masks.masks[g.name]) for g in self._groups}
        masks = choose(scores, partial(self._ranks, scores), self._groups, self.budget, self._limits)
        self._put(self._parameters.settled())
        self._gates.fold()
        self._masks.set(masks)
        self._settled, self._share = True, 1.0

    def _ranks(self, scores: Mapping[str, Tensor], saved: Mapping[str, float]) -> dict[str, Tensor]:
        """Return log alpha, moved by the logarithm of what another way to count savings makes of a unit's own."""
        own = self.budget.saved
        worth = {site: math.log((own[site] + TINY) / (saved[site] + TINY)) for site in own}
        return {site: score + (worth[site] if saved is not own else 0.0) for site, score in scores.items()}

    def _bounds(self) -> Iterator[tuple[Budget, Lagrangian]]:
        return zip(self.budget.also, self._prices, strict=True)

    def _excess(self, budget: Budget, openness: Mapping[str, Tensor]) -> Tensor:
        """Return how far the expected size lies above the one wanted now, as a share of the dense size."""
        saved = self._expected(budget.saved, openness) - budget.zeros
        return (self._share * budget.removed - saved) / budget.whole

    def _open_by_granularity(self) -> dict[str, float]:
        """Return the mean openness of the gates of each granularity."""
        openness = self.openness
        found: dict[str, list[Tensor]] = {}
        for group in self._groups:
            found.setdefault(f"open_{group.granularity}", []).append(openness[group.name])
        return {key: float(torch.cat(parts).mean()) for key, parts in found.items()}

    def _open(self) -> Masks:
        if self._settled:
            return self._masks.masks
        return {site: value > 0 for site, value in self._parameters.split(self._parameters.settled()).items()}

    def _put(self, values: Tensor) -> None:
        self._gates.put(self._parameters.split(values.detach().to(self._device)))
