"""Importance by size."""

from dataclasses import dataclass
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True)
class Magnitude:
    r"""Score a unit by its energy, :math:`\sum_{w \in unit} w^2`; a single weight's order is that of :math:`|w|`.

    The energy grows with the size of a unit, as a loss change does; ``allocation: cost_aware`` divides by what the
    unit costs, which makes it the mean square.

    >>> import torch
    >>> Magnitude().elements(torch.tensor([-2.0, 0.0]), None, name="w")
    tensor([4., 0.])

    Source: Li et al. 2017, "Pruning filters for efficient ConvNets" (arXiv 1608.08710).
    Differs: squares instead of absolute values, so that scores add up over tensors as energies do.
    """

    needs_gradient = False
    gate_only = False

    def elements(self, weight: Tensor, seen: Tensor | None, /, *, name: str) -> Tensor:
        """Return w squared."""
        return weight.square()

    def units(self, total: Tensor) -> Tensor:
        """Return the sum as it is."""
        return total
