"""Through what a compression error is seen: M = A^T A of a sensing matrix A, one per weight, over its inputs."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn

from secateur.methods.finite import finite_gradients
from secateur.methods.inputs import InputMeans, moments
from secateur.wide import wide

MEMORY = 0.9
"""Moving average of the inputs' moments over the batches that are looked at: about ten."""

GRADIENT_MEMORY = 0.98
"""Moving average of squared gradients over steps: about fifty, long against a batch's noise, short against a run."""

DAMPING = 1e-3
"""Share of the mean diagonal that is added to it: inputs that are never seen still have a price."""


OFTEN, SELDOM = 100, 25
"""How often stand-ins are solved for over a schedule: where one step is exact, as often as other methods cut; where it
takes a solver, a solution costs one to three training steps."""


class Sensing:
    """A sensing operator; unless it says otherwise, the identity, which looks at no data."""

    times = OFTEN
    """How often stand-ins are solved for over the schedule, unless that is said."""

    level = 0.0
    """How far the metric is levelled between weights."""

    def listen(self, model: nn.Module, tensors: Sequence[str]) -> None:
        """Prepare to see the batch of the coming due step."""

    def hear(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """Take in what the batch of any step showed; `weights`, some of the model's, have their gradients."""

    def moments(self, tensor: str, size: int, *, step: int, like: Tensor) -> Tensor | None:
        """Return M of a weight with `size` inputs, (in, in) with a mean diagonal of 1; ``None`` is the identity."""
        return None

    def metric(self, tensor: str) -> Tensor | None:
        """Return a price for every single weight, of the weight's shape, instead of M; ``None`` where there is none."""
        return None

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed run needs."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state."""


@final
class Identity(Sensing):
    """The weights themselves: the compression error is their distance."""


@final
class Gaussian(Sensing):
    r"""Random measurements :math:`A \sim N(0, 1/m)`, (m, in), drawn anew at every due step and shared by sizes.

    As a projection by itself it is worse than the identity (the largest weights are the nearest sparse ones); what it
    is worth within training is a question to a benchmark.
    """

    times = SELDOM

    def __init__(self, *, measurements: float = 2.0, seed: int = 0) -> None:
        """`measurements`: m as a multiple of the number of inputs."""
        self._measurements = measurements
        self._seed = seed
        self._drawn: dict[int, Tensor] = {}
        self._step = 0

    def moments(self, tensor: str, size: int, *, step: int, like: Tensor) -> Tensor | None:
        """Return A^T A; its diagonal is 1 in the mean."""
        if step != self._step:
            self._drawn, self._step = {}, step
        if size not in self._drawn:
            self._drawn[size] = self._draw(size, step=step, like=like)
        return self._drawn[size]

    def _draw(self, size: int, *, step: int, like: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(hash((self._seed, step, size)))
        rows = max(1, round(self._measurements * size))
        drawn = torch.randn(rows, size, generator=generator, dtype=torch.float32).to(like) / rows**0.5
        return drawn.T @ drawn


@final
class Inputs(Sensing):
    r"""The layer's own inputs, :math:`M = E[x x^T]`: the compression error is that of what the layer writes.

    Seen at due steps only, in the batch that is trained on, and averaged over the last ten or so of them. Filters
    that reach further than one position are seen through the inputs of each position by itself; weights whose inputs
    are no vectors of their own (depthwise and grouped filters) have the identity. Padded positions
    count, as they do in what the layer computes. M is divided by its mean diagonal, so that by how much the inputs of
    one layer are larger than those of another does not say how many of its weights stay.
    """

    times = SELDOM

    def __init__(self) -> None:
        self._means: dict[str, Tensor] = {}
        self._watch: InputMeans | None = None

    def listen(self, model: nn.Module, tensors: Sequence[str]) -> None:
        """Put hooks on the layers."""
        self._watch = InputMeans(model, tensors, of=moments)

    def hear(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """Take the hooks off, and what they saw into the averages."""
        if self._watch is None:
            return
        for name, new in self._watch.take().items():
            before = self._means.get(name)
            self._means[name] = new if before is None else torch.lerp(new, before.to(new), MEMORY)
        self._watch.remove()
        self._watch = None

    def moments(self, tensor: str, size: int, *, step: int, like: Tensor) -> Tensor | None:
        """Return the average, damped; the identity where there is none of the size."""
        seen = self._means.get(tensor)
        if seen is None or len(seen) != size:
            return None
        scale = seen.diagonal().mean().clamp_min(torch.finfo(seen.dtype).tiny)
        return (seen / scale + DAMPING * torch.eye(size).to(seen)).to(like)

    def state(self) -> dict[str, Tensor]:
        """Return the averages."""
        return dict(self._means)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up averages."""
        self._means = dict(state)


@final
class Loss(Sensing):
    r"""The task loss, as an adaptive optimizer sees it: :math:`A^T A = \operatorname{diag} \sqrt{E[g^2]}`.

    Adam's step is one down the loss in this metric, so the stand-in is the proximal step that belongs to it: of two
    weights of a size, the one that the loss is steeper in stays. g are the gradients at every step, averaged over about
    the last fifty. Rows of recurrent layers, whose gates saturate, are compared within themselves alone: `comparable`.

    Source: Yun, Lozano and Yang 2020, "A general family of stochastic proximal gradient methods for deep learning", for
    proximal steps in the metric of an adaptive optimizer.
    """

    def __init__(self, *, level: float = 0.0) -> None:
        """`level`: 0 leaves the metric as it is, at 1 every weight costs the same in the mean (`comparable`)."""
        self.level = level
        self._squares: dict[str, Tensor] = {}
        self._count = 0

    def metric(self, tensor: str) -> Tensor | None:
        """Return the root of the mean square of each weight's gradient; none before there is any."""
        squares = self._squares.get(tensor)
        return None if squares is None else squares.sqrt()

    @torch.no_grad()
    def hear(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """Take the gradients into the averages, plain ones at first, then moving; none of a step that is skipped.

        In fp16 the trainer skips steps in which any gradient overflows: after clipping, the others are zeros.
        """
        if not finite_gradients(model.parameters()):
            return
        self._count += 1
        share = max(1.0 / self._count, 1.0 - GRADIENT_MEMORY)
        for name, weight in weights.items():
            if weight.grad is not None:
                seen = wide(weight.grad)
                before = self._squares.setdefault(name, torch.zeros_like(seen))
                before.mul_(1.0 - share).addcmul_(seen, seen, value=share)

    def state(self) -> dict[str, Tensor]:
        """Return the averages, and over how many steps they go."""
        return {**self._squares, COUNT: torch.tensor(self._count)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up averages."""
        self._squares = {name: squares.clone() for name, squares in state.items() if name != COUNT}
        self._count = int(state[COUNT])


COUNT = "count"
"""No weight of a layer is called so."""

SENSING = {"identity": Identity, "gaussian": Gaussian, "inputs": Inputs, "loss": Loss}
