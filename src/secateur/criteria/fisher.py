"""Importance by the diagonal of the Fisher information."""

from dataclasses import dataclass
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True)
class Fisher:
    r"""Score a unit by the loss that a quadratic expansion predicts for its removal, weights taken one by one.

    .. math:: S_u = \frac{1}{2} \sum_{w \in gate(u)} F_w w^2, \quad
              F_w = E_{batch} \Big( \frac{\partial L}{\partial w} \Big)^2

    The Fisher information stands for the curvature, whose entries off the diagonal are left out: weights of a unit
    count as independent, while the first-order score of its gate (`Taylor`) lets them cancel. For single weights both
    give the same order.

    >>> import torch
    >>> Fisher().elements(torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 5.0]), name="w")
    tensor([18.,  0.])

    Source: LeCun et al. 1990, "Optimal brain damage"; with the empirical Fisher information for the curvature, Theis et
    al. 2018 (arXiv 1801.05787), equation 9.
    Differs: the gradient is that of a batch, not of an example; only the weights that read the unit's output count.
    """

    needs_gradient = True
    gate_only = True

    def elements(self, weight: Tensor, seen: Tensor | None, /, *, name: str) -> Tensor:
        """Return half the square of w * dL/dw; a weight without a gradient contributes nothing."""
        return weight.new_zeros(weight.shape) if seen is None else (weight * seen).square() / 2

    def units(self, total: Tensor) -> Tensor:
        """Return the sum as it is."""
        return total
