"""Compressed sensing inside training: weights are drawn to sparse stand-ins, solved for anew along a schedule."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from secateur.allocation import Allocation, Budget
from secateur.group import Group, Masks
from secateur.masks import Behind, MaskState, broadcast, not_empty
from secateur.methods.emptied import tell_emptied
from secateur.methods.kept import kept
from secateur.methods.limits import Limits
from secateur.methods.prefixes import inside, under
from secateur.methods.sensing import Sensing
from secateur.methods.sparse_solution import SparseSolver, Weight
from secateur.schedules import Course, Schedule

Use = Literal["forward", "project", "pull"]
"""What stand-ins are for: the model runs on their support; weights become them; weights are only drawn to them."""


@final
class CompressedSensing:
    r"""Two goals in turn: induce sparsity, and reduce the compression error.

    At every due step, with W the weights just after the optimizer's step, U the dual variable (0 unless `dual`) and A
    the sensing operator, each weight's sparse stand-in is the solution of

    .. math:: \min_Z \tfrac12 \lVert A (Z - W - U) \rVert^2 + \lambda \sum_u \lVert Z_u \rVert_2

    over units u (single weights, or tiles), its lambda per weight such that exactly the scheduled share is zero. How
    many units each weight loses is decided by the allocation, over all weights and under one budget, by the compression
    error that each unit alone would make. What stays is freed of the shrinkage on its support (`debias`). An operator
    with a metric, A^T A = D, measures the penalty by it too: the norm is that of the square root of D times Z.

    The stand-ins are used in one of three ways. With ``forward`` their support is: forward and backward see
    the weights on it alone, the optimizer moves all, and so what the stand-in lacks is fed back; between
    two steps the model shows the support, so that what is validated or saved is sparse. With ``project`` the
    weights become their stand-in at due steps; units that are zero may grow again until the next. With ``pull``
    they are only drawn to it. In the last two, the steps between due ones draw weights a part of the way to their
    stand-in, `pull`, along the gradient of the compression error with the operator's diagonal, beside the optimizer
    as weight decay is in AdamW. Units come back so, unless `reentry` is off. With `dual`, U sums what is missing:
    ADMM. At the end of the schedule the support is frozen.

    With the identity for A, some settings have names of their own. Gradual magnitude pruning (Zhu and Gupta 2017):
    ``project``, no shrinkage, no reentry, no pull. ADMM: ``pull``, `dual`, no shrinkage. Dynamic pruning with feedback
    (Lin et al. 2020, arXiv 2006.07253): ``forward``, no shrinkage.

    Source: the abstract of arXiv 2102.04932; Beck and Teboulle 2009 (FISTA); Zhang et al. 2018 (ADMM, arXiv
    1804.03294).
    Differs: what of the system is not in its abstract could not be had: operator, solver and schedule are ours.
    """

    def __init__(
        self,
        *,
        sensing: Sensing,
        allocation: Allocation,
        schedule: Schedule,
        budget: Budget,
        limits: Limits | None = None,
        every: int | None = None,
        iterations: int = 10,
        shrink: float = 1.0,
        debias: bool = True,
        reentry: bool = True,
        use: Use = "forward",
        pull: float = 0.0,
        dual: bool = False,
    ) -> None:
        """`every`: steps between due ones; by default the schedule is walked in as many as the operator says.

        `shrink`: the share of the threshold that is taken off what stays: 1 is the l1 norm's, 0 none.
        """
        self._sensing = sensing
        self._solver = SparseSolver(
            sensing,
            allocation,
            budget,
            limits or Limits(),
            iterations=iterations,
            shrink=shrink,
            debias=debias and use != "forward",  # it changes values, not the support
        )
        self._schedule = schedule
        self.budget = budget
        self._every = every
        self._reentry, self._use, self._pull, self._dual = reentry, use, pull, dual
        self._share = 0.0
        self._stand_ins: dict[str, Tensor] = {}
        self._duals: dict[str, Tensor] = {}
        self._prices: dict[str, Tensor] = {}

    def prepare(self, model: nn.Module, groups: Sequence[Group], *, total_steps: int) -> None:
        """Attach to a model; every unit is kept, but for those that are zero already."""
        self._model = model
        self._groups = {group.slices[0].tensor: group for group in groups}
        self._layers = {tensor: model.get_submodule(group.module) for tensor, group in self._groups.items()}
        self._state = MaskState(model, groups)
        self._alive = not_empty(model, groups)
        self._state.set({site: mask.clone() for site, mask in self._alive.items()})  # a checkpoint holds both
        self._weights = {tensor: model.get_parameter(tensor) for tensor in self._groups}
        self._behind = Behind(self._weights if self._use == "forward" else {})
        self._choose(self._state.masks)
        self._course = Course.over(total_steps, self._schedule, every=self._every, times=self._sensing.times)

    @property
    def needs_batches(self) -> bool:
        """Whether there is training to do before units can leave."""
        return True

    def begin(self, step: int) -> None:
        """Show the support alone, where the last step has not; let the operator see the batch of a due step."""
        if self.at_target:
            return
        if not self._behind.shown:
            self._show()
        if self._course.due(step):
            self._sensing.listen(self._model, list(self._groups))

    def gather(self, step: int) -> None:
        """Put back the weights behind the support, and take in what the operator saw."""
        self._behind.hide()
        if not self.at_target:
            self._sensing.hear(self._model, self._weights)

    def step(self, step: int) -> None:
        """Solve if due, else draw the weights to the last solution; keep the support once it is frozen."""
        if not self.at_target and self._course.due(step):
            self._solve(step, share=self._course.share(step))
        elif self._pull and not self.at_target:
            self._draw_near()
        if self.at_target or not self._reentry:
            self._state.apply()
        if not self.at_target:
            self._show()

    def finish(self) -> Masks:
        """Solve for the target if the schedule has not, return the masks."""
        self._behind.hide()
        if not self.at_target:
            self._solve(self._course.steps, share=1.0)
        self._state.release()
        return dict(self._state.masks)

    @property
    def at_target(self) -> bool:
        """Whether the support is frozen."""
        return self._share >= 1.0

    @property
    def numbers(self) -> Mapping[str, float]:
        """Log the share kept, wanted by the schedule and reached by the stand-ins."""
        return kept(self.budget, list(self._groups.values()), self._state.masks, share=self._share)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return masks, stand-ins, dual variables, what the operator knows, and the share that has left."""
        parts = {
            **under("mask/", self._state.masks),
            **under("alive/", self._alive),
            **under("stand_in/", self._stand_ins),
            **under("dual/", self._duals),
            **under("price/", self._prices),
            **under("behind/", self._behind.state()),
            **under("sensing/", self._sensing.state()),
        }
        return parts, {"share": self._share}

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Take up a state: the model has the weights of the same checkpoint already."""
        self._share = float(values["share"])
        device = next(iter(self._weights.values())).device  # a checkpoint is read on the processor; masks stay there
        self._stand_ins, self._duals, self._prices, sensed, behind = (
            {tensor: value.to(device) for tensor, value in inside(f"{name}/", tensors).items()}
            for name in ("stand_in", "dual", "price", "sensing", "behind")
        )
        self._alive = {site: mask.bool() for site, mask in inside("alive/", tensors).items()}
        self._sensing.restore(sensed)
        masks = {site: mask.bool() for site, mask in inside("mask/", tensors).items()}
        if self.at_target or not self._reentry:
            self._state.set(masks)
        else:
            self._state.masks.update(masks)
        self._choose(masks)
        self._behind.restore(behind)

    def _choose(self, masks: Masks) -> None:
        """Let the model run on these units from now on."""
        if self._use == "forward":
            self._factors = {
                tensor: broadcast(masks[group.name].to(weight.device), group.slices[0], weight.shape)
                for (tensor, group), weight in zip(self._groups.items(), self._weights.values(), strict=True)
            }

    def _show(self) -> None:
        self._behind.show(lambda tensor, weight: weight * self._factors[tensor])

    @torch.no_grad()
    def _solve(self, step: int, *, share: float) -> None:
        """Find the stand-ins at which `share` of what the target removes is zero, and move the weights."""
        aims = {tensor: weight + self._duals.get(tensor, 0.0) for tensor, weight in self._weights.items()}
        wanted = {
            tensor: Weight(group, self._layers[tensor], aims[tensor], self._may_stay(group))
            for tensor, group in self._groups.items()
        }
        found, masks, self._prices = self._solver.solve(wanted, step=step, share=share)
        self._share = share
        if self.at_target:
            self._freeze(found, masks)
            return
        for tensor, weight in self._weights.items():
            if self._dual:
                self._duals[tensor] = aims[tensor] - found[tensor]
            if self._use == "project":
                weight.copy_(found[tensor])
        self._stand_ins = found if self._use != "forward" and self._pull else {}
        self._choose(masks)
        self._state.masks.update(masks)
        if not self._reentry:
            self._state.set(masks)

    def _freeze(self, found: Mapping[str, Tensor], masks: dict[str, Tensor]) -> None:
        """Leave the stand-ins for good.

        Of a model that ran on the support, its weights there are what was trained; so they are of ADMM, whose stand-ins
        are of W + U.
        """
        if self._use != "forward" and not self._dual:
            for tensor, weight in self._weights.items():
                weight.copy_(found[tensor])
        tell_emptied(list(self._groups.values()), self._alive, masks)
        self._state.set(masks)
        self._stand_ins, self._duals, self._prices = {}, {}, {}

    def _may_stay(self, group: Group) -> Tensor:
        """Say which units may be anything but zero: not what an earlier pruning took, or without re-entry this one."""
        alive = self._alive[group.name]
        return alive if self._reentry else alive & self._state.masks[group.name]

    @torch.no_grad()
    def _draw_near(self) -> None:
        """Take a step down the compression error: W <- W - pull diag(M) (W + U - Z).

        A metric is the optimizer's own: measured in it, the step has none, as decay in AdamW.
        """
        for tensor, stand_in in self._stand_ins.items():
            weight = self._weights[tensor]
            missing = weight + self._duals.get(tensor, 0.0) - stand_in.to(weight)
            weight.sub_(self._pull * self._prices.get(tensor, 1.0) * missing)
