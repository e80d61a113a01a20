"""Importance by the first-order change of the loss."""

from dataclasses import dataclass
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True)
class Taylor:
    r"""Score a unit by the loss change that a first-order expansion predicts for its removal.

    .. math:: S_u = \Big| \sum_{w \in gate(u)} w \, \partial L / \partial w \Big| = | \partial L / \partial z_u |

    with :math:`z_u = 1` a gate on the unit's output and :math:`gate(u)` the weights that read this output. Removing
    the unit is z = 0. For a single weight it is :math:`|w \, \partial L / \partial w|`. Scores of several batches are
    averaged after the absolute value; during training the average is an exponential moving one.

    >>> import torch
    >>> t = Taylor().elements(torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 5.0]), name="w")
    >>> t, Taylor().units(t)
    (tensor([-6., 0.]), tensor([6., 0.]))

    Source: Molchanov et al. 2019, "Importance estimation for neural network pruning" (arXiv 1906.10771), eq. 8 with
    a gate's gradient; Michel et al. 2019 (arXiv 1905.10650) for heads.
    Differs: absolute value instead of the square, so that scores of units add up like loss changes. Only the
    weights that read the unit's output count: summed over all members, w * dL/dw counts a chain of layers once per
    layer, which inflates convolution channels (five tensors deep) against feed-forward units (two deep).
    """

    needs_gradient = True
    gate_only = True

    def elements(self, weight: Tensor, gradient: Tensor | None, *, name: str) -> Tensor:
        """Return w * dL/dw, signed; a weight without a gradient contributes nothing."""
        return weight.new_zeros(weight.shape) if gradient is None else weight * gradient

    def units(self, total: Tensor) -> Tensor:
        """Return the absolute value."""
        return total.abs()
