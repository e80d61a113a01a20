"""What a model's gates learn: one log alpha per unit, and Adam."""

from collections.abc import Callable, Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from secateur.group import Group
from secateur.methods import hard_concrete
from secateur.optimizer_state import load_state, named_state

GATE_LEARNING_RATE = 0.05
"""Adam's step for log alpha: a gate changes sides in about 100 steps that agree. The public codes of CoFi and Compresso
have 0.1, and runs that are some ten times as long."""

GATE_BETAS = (0.9, 0.99)
"""Adam's memories. The second is ours: with 0.999, the large gradients of the first steps slow gates down for the
rest of a short run."""

TINY = 1e-30
"""What counts as nothing where a logarithm must exist: a unit that no batch has missed."""

HALVINGS = 45
"""How finely a shift of all gates is searched: to 4e-12."""

SEED_STRIDE = 1_000_003
"""A prime above any number of steps, so that no two runs draw the same gates at different steps."""


@final
class GateParameters:
    """Log alpha of every unit, all sites in one vector, on the CPU in float64: there are thousands, not millions."""

    def __init__(self, groups: Sequence[Group], *, openness: float, learning_rate: float) -> None:
        """`openness` is the chance of the un-stretched gate to be open."""
        self._groups = groups
        first = torch.full((sum(group.units for group in groups),), hard_concrete.start(openness), dtype=torch.float64)
        self.log_alpha = first.requires_grad_()
        self._optimizer = torch.optim.AdamW([self.log_alpha], lr=learning_rate, betas=GATE_BETAS, weight_decay=0.0)

    def draw(self, *, seed: int, step: int) -> Tensor:
        """Draw all gates; the same for the same seed and step, on every process and in a resumed run."""
        return hard_concrete.draw(self.log_alpha, torch.Generator().manual_seed(seed * SEED_STRIDE + step))

    def settled(self) -> Tensor:
        """Return all gates' values without chance."""
        return hard_concrete.settled(self.log_alpha.detach())

    def openness(self) -> dict[str, Tensor]:
        """Return every unit's probability to stay, by site, differentiable."""
        return self.split(hard_concrete.openness(self.log_alpha))

    def descend(self, drawn: Tensor, gradient: Tensor, penalty: Tensor) -> None:
        """Take a step along the gradient that the drawn gates saw and that of the penalty."""
        self._optimizer.zero_grad()
        (penalty + (drawn * gradient).sum()).backward()
        self._optimizer.step()
        self._bound()

    @torch.no_grad()
    def spread(self, worth: Mapping[str, Tensor], *, deviation: float) -> None:
        """Move log alpha apart along the logarithm of what units are worth, brought to this standard deviation.

        Units that are worth nothing, which have no logarithm, go a standard deviation below the least that is worth
        something.
        """
        flat = torch.cat([worth[group.name].cpu().double() for group in self._groups])
        some = flat[flat > 0].log()
        if len(some) == 0:
            return
        spread = some.std(correction=min(1, len(some) - 1))  # a single one has none
        apart = (flat.clamp_min(TINY).log() - some.mean()) / spread.clamp_min(TINY)
        self.log_alpha += deviation * torch.where(flat > 0, apart, apart[flat > 0].min() - 1.0)
        self._bound()

    @torch.no_grad()
    def sharpen(self, factor: float) -> None:
        """Move log alpha apart by a factor, so that fewer gates are undecided."""
        self.log_alpha.mul_(factor)
        self._bound()

    @torch.no_grad()
    def shift(self, saved: Callable[[dict[str, Tensor]], Tensor], wanted: float) -> float:
        """Move all log alpha by one number, so that ``saved(openness)`` is `wanted`; return the number.

        What is saved falls where openness rises, so halving finds it.
        """
        start, low, high = self.log_alpha.detach().clone(), -2 * hard_concrete.BOUND, 2 * hard_concrete.BOUND
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if float(saved(self.split(hard_concrete.openness(start + middle)))) > wanted:
                low = middle
            else:
                high = middle
        self.log_alpha.copy_(start + high)
        self._bound()
        return high

    def split(self, flat: Tensor) -> dict[str, Tensor]:
        """Cut a vector over all units into site -> (units,)."""
        parts = flat.split([group.units for group in self._groups])
        return {group.name: part for group, part in zip(self._groups, parts, strict=True)}

    def state(self) -> dict[str, Tensor]:
        """Return log alpha and the moments."""
        return {"log_alpha": self.log_alpha.detach().clone(), **named_state(self._optimizer)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state."""
        with torch.no_grad():
            self.log_alpha.copy_(state["log_alpha"])
        load_state(self._optimizer, {name: tensor for name, tensor in state.items() if name != "log_alpha"})

    @torch.no_grad()
    def _bound(self) -> None:
        self.log_alpha.clamp_(-hard_concrete.BOUND, hard_concrete.BOUND)
