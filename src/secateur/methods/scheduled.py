"""Cut the least important units along a schedule, train in between."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn

from secateur.allocation import Allocation, Budget, hold, still_saved
from secateur.criteria import Criterion, reads_batches, reads_inputs
from secateur.group import Group, Masks
from secateur.masks import MaskState, not_empty
from secateur.methods.between import Start, check_alive, penalize
from secateur.methods.choose import choose
from secateur.methods.emptied import tell_emptied
from secateur.methods.finite import finite_gradients
from secateur.methods.inputs import InputMeans
from secateur.methods.kept import kept
from secateur.methods.limits import Limits
from secateur.methods.prefixes import inside, under
from secateur.methods.scores import RunningScores, of_called, scored_tensors, unit_scores
from secateur.schedules import Course, Schedule

SCORE_DECAY = 0.95
"""Moving average of data-driven scores: a memory of about 20 batches, long against one batch's noise, short against
the run."""

MEMORY = round(1 / (1 - SCORE_DECAY))
"""Batches that scores remember: a site that none of so many has called is worth nothing."""

CUTS = 100
"""How often the structure is cut over the schedule unless `every` says otherwise: Zhu & Gupta's 100 masks."""


@final
class Scheduled:
    """Gradual (or one-shot) pruning: score, rank over sites, cut to the share that is due; the rest trains on.

    At progress p of the training, the model's size in the target's unit is at most
    ``whole - share(p) * (whole - kept)``. A unit that has left stays out. Covers magnitude pruning of Zhu & Gupta
    2017 (arXiv 1710.01878) and iterative Taylor pruning of Molchanov et al. 2017 (arXiv 1611.06440).

    Between cuts, all units that may leave can be drawn to zero by an l1 penalty; after each cut, what stays can be
    rewound to where the run started (lottery tickets: Frankle and Carbin 2019, arXiv 1803.03635; in one run, so the
    optimizer and its learning rate go on).

    Differs: scores are taken just after the optimizer step with the gradients of that step, so weights are one step
    newer than the gradients, and gradients are as clipped by the trainer.
    """

    def __init__(
        self,
        *,
        criterion: Criterion,
        allocation: Allocation,
        schedule: Schedule,
        budget: Budget,
        limits: Limits | None = None,
        every: int | None = None,
        decay: float = SCORE_DECAY,
        larger: Sequence[Budget] = (),
        l1: float = 0.0,
        rewind: bool = False,
    ) -> None:
        """`every`: steps between cuts; by default the schedule is walked in about 100 cuts.

        `larger` are sizes on the way, in falling order. When the next cut goes beyond one of them, and at last for
        `budget`, `at_size` is called with its place in that order and the masks that reach it exactly.
        """
        self._criterion = criterion
        self._allocation = allocation
        self._schedule = schedule
        self.budget = budget
        self._limits = limits or Limits()
        self._every = every
        self.sizes = (*larger, budget)
        self.at_size: Callable[[int, Masks], None] = lambda size, masks: None
        self._l1, self._rewinds = l1, rewind
        self._running = RunningScores(decay)
        self._owed = False
        self._share = 0.0

    def prepare(self, model: nn.Module, groups: Sequence[Group], *, total_steps: int) -> None:
        """Attach to a model; every unit is kept, but for weights and blocks that are zero already."""
        self._model = model
        self._groups = list(groups)
        self._state = MaskState(model, groups)
        self._state.set(not_empty(model, groups))
        self._course = Course.over(total_steps, self._schedule, every=self._every, times=CUTS)
        reads = reads_inputs(self._criterion)
        self._inputs = InputMeans(model, scored_tensors(groups, self._criterion)) if reads else None
        names = {part.tensor for group in groups for part in group.slices} if self._l1 else set[str]()
        self._penalized = [parameter for name, parameter in model.named_parameters() if name in names]
        self._start = Start(model) if self._rewinds else None

    @property
    def needs_batches(self) -> bool:
        """Whether scores need batches to be observed before the first cut."""
        return reads_batches(self._criterion)

    @property
    def needs_gradients(self) -> bool:
        """Whether scores need what batches say backwards, too."""
        return self._criterion.needs_gradient

    @property
    def starts_cut(self) -> bool:
        """Whether everything leaves before the first step."""
        return self._schedule.share(0.0) >= 1.0

    def observe(self) -> None:
        """Take in the scores of the weights, gradients and inputs as they are now: one batch."""
        scores = self._scores()
        if finite_gradients(self._model.parameters()):
            self._running.add(of_called(scores, self._model, self._groups, self._criterion))

    def begin(self, step: int) -> None:
        """Do nothing: what has left is zero already."""

    def gather(self, step: int) -> None:
        """Draw what may leave to zero, where that is asked for; scores are taken after the step."""
        if not self.at_target:
            penalize(self._penalized, self._l1)

    def step(self, step: int) -> None:
        """Score, cut if due, and zero what the optimizer moved among the units that have left."""
        if not self.at_target:
            if self.needs_batches:
                self.observe()
            self._owed = self._owed or self._course.due(step)
            if self._owed and (self._running.count or not self.needs_batches):  # else every step so far has overflowed
                self.cut(self._course.share(step))
                self._owed = False
        self._state.apply()

    def cut(self, share: float) -> None:
        """Let units leave until `share` of what the target removes has left."""
        if not self.needs_batches or not self._running.count:
            self._running.scores = self._scores()
        scores = {group.name: self._present(group, share) for group in self._groups}
        for size, budget in enumerate(self.sizes):
            part = 1.0 if budget is self.budget else budget.removed / self.budget.removed  # no 0 / 0: 0 is a sparsity
            if self._share < part <= share:
                self.at_size(size, self._chosen(scores, budget, share=1.0))
        masks = self._chosen(scores, self.budget, share=share)
        if self._l1:
            check_alive(self._groups, self._state.masks, masks, self._l1)
        tell_emptied(self._groups, self._state.masks, masks)
        if self._start is not None and share > self._share:
            self._start.rewind()
        self._state.set(masks)
        self._share = share
        if self.at_target:
            self._look_away()

    def _chosen(self, scores: Mapping[str, Tensor], budget: Budget, *, share: float) -> dict[str, Tensor]:
        """Return the masks at which `share` of what a budget removes has left."""
        return choose(scores, partial(self._ranks, scores), self._groups, budget, self._limits, share=share)

    def _scores(self) -> dict[str, Tensor]:
        inputs = self._inputs.take_for_weights() if self._inputs is not None else None
        return unit_scores(self._model, self._groups, self._criterion, inputs=inputs)

    def _look_away(self) -> None:
        """Take the hooks on inputs off: the structure is final."""
        if self._inputs is not None:
            self._inputs.remove()

    def _ranks(self, scores: Mapping[str, Tensor], saved: Mapping[str, float]) -> dict[str, Tensor]:
        return self._allocation(scores, self._groups, still_saved(self._groups, saved, self._state.masks))

    def _present(self, group: Group, share: float) -> Tensor:
        """Return a site's scores; one that no batch has called yet waits, and at last is worth nothing."""
        waits = share < 1.0 and self._running.count < MEMORY
        place = next(self._model.parameters()).device
        unseen = torch.full((group.units,), torch.inf if waits else 0.0, device=place)
        scores = self._running.scores.get(group.name, unseen)
        return hold(scores, group.runs, here=self._state.masks[group.name])

    def finish(self) -> Masks:
        """Cut what the schedule has left over, take the hooks off, return the masks; nothing goes back to the start."""
        self._start = None
        if not self.at_target:
            self.cut(1.0)
        self._state.release()
        return dict(self._state.masks)

    @property
    def at_target(self) -> bool:
        """Whether the last cut was the final one."""
        return self._share >= 1.0

    @property
    def numbers(self) -> Mapping[str, float]:
        """Log the share kept, wanted by the schedule and reached by the masks."""
        return kept(self.budget, self._groups, self._state.masks, share=self._share)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return masks and running scores, and the counters."""
        scores = {site: score.contiguous() for site, score in self._running.scores.items()}
        start = self._start.tensors if self._start is not None else {}
        return {**under("mask/", self._state.masks), **under("score/", scores), **under("start/", start)}, {
            "share": self._share,
            "owed": self._owed,
            "scores": self._running.values(),
        }

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Take up masks, scores and counters."""
        self._running.load(inside("score/", tensors), values["scores"])
        self._share, self._owed = float(values["share"]), bool(values["owed"])
        if self._start is not None:
            self._start.restore(inside("start/", tensors))
        self._state.set({site: mask.bool() for site, mask in inside("mask/", tensors).items()})
        if self.at_target:
            self._look_away()
