"""What a method is: the only thing that a trainer knows about pruning."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from secateur.allocation import Budget
from secateur.group import Group, Masks


class Method(Protocol):
    """Five verbs around training, and a state that survives it."""

    budget: Budget
    """What must go, and what each unit saves."""

    def prepare(self, model: nn.Module, groups: Sequence[Group], *, total_steps: int) -> None:
        """Look at the model before the first step."""
        ...

    def begin(self, step: int) -> None:
        """Act before the forwards of step number `step` (from 1)."""
        ...

    def gather(self, step: int) -> None:
        """Act when the step's gradients are complete and the optimizer has not moved yet."""
        ...

    def step(self, step: int) -> None:
        """Act after the optimizer has moved, gradients still in place."""
        ...

    def finish(self) -> Masks:
        """Bring the model to its exact target, and return the masks."""
        ...

    @property
    def at_target(self) -> bool:
        """Whether the structure is final."""
        ...

    @property
    def numbers(self) -> Mapping[str, float]:
        """What to log: the share of the target's unit wanted and reached by now."""
        ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything needed to go on after an interruption: tensors, and what JSON can hold."""
        ...

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Take up a state; `prepare` has been called."""
        ...
