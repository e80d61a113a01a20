"""Importance by the first-order change of the loss."""

from dataclasses import dataclass
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True)
class Taylor:
    r"""Score a unit by the squared loss change that a first-order expansion predicts for its removal.

    .. math:: S_u = E_{batch} \Big( \sum_{w \in gate(u)} w \, \partial L / \partial w \Big)^2
                  = E_{batch} ( \partial L / \partial z_u )^2

    with :math:`z_u = 1` a gate on the unit's output and :math:`gate(u)` the weights that read this output. Removing
    the unit is z = 0. Squares of several batches are averaged; during training with an exponential moving average.

    The square matters where units of several sizes compete. A trained model is stationary: each gate's gradient is
    noise around 0, and the mean square is its Fisher information, which adds up over independent units as the loss
    change does. The mean absolute value grows only with the root of their number, so that a module of 576 units would
    look 24 times as cheap as its units one by one.

    >>> import torch
    >>> t = Taylor().elements(torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 5.0]), name="w")
    >>> t, Taylor().units(t)
    (tensor([-6.,  0.]), tensor([36.,  0.]))

    Source: Molchanov et al. 2019, "Importance estimation for neural network pruning" (arXiv 1906.10771), first-order
    score of a gate; Michel et al. 2019 (arXiv 1905.10650) for heads.
    Differs: only the weights that read the unit's output count. Summed over all members, w * dL/dw counts a chain of
    layers once per layer, which inflates convolution channels (five tensors deep) against feed-forward units (two).
    """

    needs_gradient = True
    gate_only = True

    def elements(self, weight: Tensor, seen: Tensor | None, /, *, name: str) -> Tensor:
        """Return w * dL/dw, signed; a weight without a gradient contributes nothing."""
        return weight.new_zeros(weight.shape) if seen is None else weight * seen

    def units(self, total: Tensor) -> Tensor:
        """Return the square."""
        return total.square()
