"""Choose anew among all units at every cut, by what gradients have said so far; nothing is lost before the last."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn

from secateur.allocation import Allocation, Budget, hold
from secateur.criteria import Movement
from secateur.group import Group, Masks
from secateur.masks import Gates, MaskState, not_empty
from secateur.methods.choose import choose
from secateur.methods.finite import finite_gradients
from secateur.methods.kept import kept
from secateur.methods.limits import Limits
from secateur.methods.movement_scores import MovementScores
from secateur.methods.prefixes import inside, under
from secateur.methods.scheduled import CUTS
from secateur.schedules import Course, Schedule


@final
class StraightThrough:
    r"""Movement pruning: the forward sees masked weights, the scores see the gradients of all.

    From the first step on, each step runs under the masks of the last cut, as gates of 0 and 1 that leave the weights
    behind them as they are; the gradients of these gates go into the scores S, straight through masks that are closed.
    A cut takes all units by S, whether masked or not, down to the size that is due, exactly. So a unit may leave and
    come back, with the weights that it left with, until the schedule's end; there the last cut is made for good, and
    the rest of the training recovers with that structure.

    The plateaus of movement pruning are the two ends of the schedule: before its start nothing leaves and S gathers,
    after its end nothing changes. Between two steps the model shows the masked weights, so that what is validated or
    saved is the pruned model.

    Source: Sanh et al. 2020 (arXiv 2005.07683), section 4 and appendix.
    Differs: see `secateur.criteria.Movement`. Gradients are as clipped by the trainer; scores are taken from the
    weights before the optimizer's step and ranked after it. Units that an earlier pruning has left stay out.
    """

    def __init__(
        self,
        *,
        criterion: Movement,
        allocation: Allocation,
        schedule: Schedule,
        budget: Budget,
        limits: Limits | None = None,
        every: int | None = None,
    ) -> None:
        """`every`: steps between cuts; by default the schedule is walked in about 100 cuts."""
        self._criterion = criterion
        self._allocation = allocation
        self._schedule = schedule
        self.budget = budget
        self._limits = limits or Limits()
        self._every = every
        self._share = 0.0

    def prepare(self, model: nn.Module, groups: Sequence[Group], *, total_steps: int) -> None:
        """Attach to a model; every unit is kept, but for weights and blocks that are zero already."""
        self._model, first = model, next(model.parameters())
        dtype = torch.promote_types(first.dtype, torch.float32)
        self._groups = list(groups)
        self._course = Course.over(total_steps, self._schedule, every=self._every, times=CUTS)
        self._scores = MovementScores(self._criterion, groups, device=first.device, dtype=dtype)
        self._gates = Gates(model, groups)
        self._state = MaskState(model, groups)
        self._masks = dict(self._state.masks) | not_empty(model, groups)
        self._alive = {site: mask.clone() for site, mask in self._masks.items()}
        self._gated = False

    @property
    def needs_batches(self) -> bool:
        """Whether there is something to see before units can leave."""
        return True

    def begin(self, step: int) -> None:
        """Put the masks on, where the last step has not."""
        if not self.at_target and not self._gated:
            self._put()

    def gather(self, step: int) -> None:
        """Take the masks off, and take in what the gradients say of every unit."""
        if self._gated:
            self._gated = False
            seen = self._gates.take()
            if finite_gradients(self._model.parameters()):  # in fp16 some steps overflow, and the trainer skips them
                self._scores.add(seen, share=self._schedule.share(step / self._course.steps))

    def step(self, step: int) -> None:
        """Cut if due, and mask what the optimizer has moved; for good at the last cut."""
        if self.at_target:
            self._state.apply()
            return
        share = self._course.share(step)
        if share >= 1.0:
            self._settle()
            return
        if self._course.due(step):
            self._cut(share)
        self._put()

    def finish(self) -> Masks:
        """Make the last cut if the schedule has not, take the hooks off, return the masks."""
        if not self.at_target:
            self._settle()
        self._state.release()
        return dict(self._state.masks)

    @property
    def at_target(self) -> bool:
        """Whether the last cut was the final one."""
        return self._share >= 1.0

    @property
    def numbers(self) -> Mapping[str, float]:
        """Log the share kept, wanted by the schedule and reached by the masks."""
        return kept(self.budget, self._groups, self._masks, share=self._share)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return scores, masks, the weights behind them, and the share that has left."""
        parts = {
            **self._scores.state(),
            **under("raw/", self._gates.raw()),
            **under("mask/", self._masks),
            **under("alive/", self._alive),
        }
        return parts, {"share": self._share}

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Take up a state: the model has the weights of the same checkpoint already."""
        self._share = float(values["share"])
        self._scores.load(tensors)
        self._masks = {site: mask.bool() for site, mask in inside("mask/", tensors).items()}
        self._alive = {site: mask.bool() for site, mask in inside("alive/", tensors).items()}
        self._gates.load(inside("raw/", tensors))
        if self.at_target:
            self._state.set(self._masks)
        else:
            self._put()

    def _cut(self, share: float) -> None:
        """Choose the units that stay, so that `share` of what the target removes is gone."""
        scores = {group.name: self._rankable(group) for group in self._groups}
        rank = partial(self._allocation, scores, self._groups)
        self._masks = choose(scores, rank, self._groups, self.budget, self._limits, share=share)
        self._share = share

    def _settle(self) -> None:
        self._cut(1.0)
        self._gates.release()
        self._gated = False
        self._state.set(self._masks)

    def _rankable(self, group: Group) -> Tensor:
        scores = self._scores.by_site[group.name]
        return hold(scores, group.runs, here=self._alive[group.name])

    def _put(self) -> None:
        scores = self._scores.by_site
        self._gates.put({site: mask.to(scores[site]) for site, mask in self._masks.items()})
        self._gated = True
