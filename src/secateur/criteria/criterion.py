"""What every criterion can be asked."""

from typing import Protocol

from torch import Tensor


class Criterion(Protocol):
    """How important weights are. Without state: the same arguments give the same scores.

    The score of a unit is ``units(sum of elements(w, g) over the unit's members)``. Summing signed contributions
    first is what makes a unit's first-order score the gradient of its gate.
    """

    @property
    def needs_gradient(self) -> bool:
        """Whether `elements` reads the gradient."""
        ...

    @property
    def gate_only(self) -> bool:
        """Whether a unit's members are only the weights that read its output, not all that leave with it."""
        ...

    def elements(self, weight: Tensor, gradient: Tensor | None, *, name: str) -> Tensor:
        """Return each weight's contribution, of the shape of `weight`; `name` is the tensor's dotted name."""
        ...

    def units(self, total: Tensor) -> Tensor:
        """Turn sums over members into scores, of the same shape; larger is more important."""
        ...
