"""Importance by weights and what they multiply."""

from dataclasses import dataclass
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True)
class Wanda:
    r"""Score a unit by the energy that it brings to the layer that reads it: weights alone say little of quiet inputs.

    .. math:: S_u = \sum_{w_{ij} \in gate(u)} w_{ij}^2 \, E[x_j^2]

    with x_j the input that the weight multiplies, averaged over the positions of the batches. For a single weight the
    order is that of :math:`|w_{ij}| \, \lVert x_j \rVert`.

    >>> import torch
    >>> Wanda().elements(torch.tensor([[2.0, -1.0]]), torch.tensor([[0.5, 4.0]]), name="w")
    tensor([[2., 4.]])

    Source: Sun et al. 2023, "A simple and effective pruning approach for large language models" (arXiv 2306.11695),
    equation 1.
    Differs: they compare the weights of one output with each other alone; here the allocation decides who is compared.
    Squares, so that units of several weights add up as energies do. Padded positions count as the layer sees them.
    """

    needs_gradient = False
    needs_input = True
    gate_only = True

    def elements(self, weight: Tensor, seen: Tensor | None, /, *, name: str) -> Tensor:
        """Return w^2 times the mean square of its input; a weight whose layer saw nothing contributes nothing."""
        return weight.new_zeros(weight.shape) if seen is None else weight.square() * seen

    def units(self, total: Tensor) -> Tensor:
        """Return the sum as it is."""
        return total
