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
        """Whether `elements` reads the gradient.

        One that has a `needs_input` which is true reads the mean square of the weight's input in its place.
        """
        ...

    @property
    def gate_only(self) -> bool:
        """Whether a unit's members are only the weights that read its output, not all that leave with it."""
        ...

    def elements(self, weight: Tensor, seen: Tensor | None, /, *, name: str) -> Tensor:
        """Return each weight's contribution, of the shape of `weight`; `name` is the tensor's dotted name.

        `seen` is what batches say of it, of a shape that goes with the weight's; ``None`` where they say nothing.
        """
        ...

    def units(self, total: Tensor) -> Tensor:
        """Turn sums over members into scores, of the same shape; larger is more important."""
        ...


def reads_inputs(criterion: Criterion) -> bool:
    """Whether a criterion reads what weights multiply."""
    return bool(getattr(criterion, "needs_input", False))


def reads_batches(criterion: Criterion) -> bool:
    """Whether a criterion needs to see batches."""
    return criterion.needs_gradient or reads_inputs(criterion)
