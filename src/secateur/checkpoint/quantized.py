"""Weights as integers of few bits, a scale per row."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from secateur.families.any_module import own_weights

BITS: Final = 8


class Rows(NamedTuple):
    """A weight as integers, and what one of them is worth in each row."""

    integers: Tensor
    """int8, of the weight's shape."""

    scales: Tensor
    """float32, of the weight's shape with every axis but that of the outputs reduced to 1."""

    def values(self) -> Tensor:
        """Return the weight that they stand for."""
        return self.integers * self.scales


def quantize_rows(weight: Tensor, *, outputs: int = 0, bits: int = BITS) -> Rows:
    r"""Round a weight to integers, symmetrically, with one scale per output: 0 stays 0.

    .. math:: s_i = \max_j |w_{ij}| / (2^{b-1} - 1), \quad q_{ij} = \operatorname{round}(w_{ij} / s_i)

    `outputs` is the axis that counts outputs. What is on the grid already stays as it is: the largest of a row is an
    integer multiple of the same scale again.

    >>> rows = quantize_rows(torch.tensor([[0.5, -1.27, 0.0], [0.0, 0.0, 0.0]]))
    >>> rows.integers.tolist(), [round(scale, 4) for scale in rows.scales.flatten().tolist()]
    ([[50, -127, 0], [0, 0, 0]], [0.01, 0.0])
    """
    largest = 2 ** (bits - 1) - 1
    others = [axis for axis in range(weight.dim()) if axis != outputs]
    scales = weight.detach().float().abs().amax(others, keepdim=True) / largest
    shares = weight.detach().float() / scales.clamp_min(torch.finfo(torch.float32).tiny)
    return Rows(shares.round().clamp(-largest, largest).to(torch.int8), scales)


def quantizable(model: nn.Module) -> Mapping[str, int]:
    """Return every weight of a linear, recurrent or convolution layer of its own, and its axis of outputs."""
    return {weight.tensor: 1 - weight.inputs for weight in own_weights(model)}


@torch.no_grad()
def round_weights(model: nn.Module, *, bits: int = BITS) -> None:
    """Round every weight that can be to the grid of `quantize_rows`, in place and in its own precision."""
    for tensor, outputs in quantizable(model).items():
        weight = model.get_parameter(tensor)
        weight.copy_(rounded(weight, outputs=outputs, bits=bits))


def rounded(weight: Tensor, *, outputs: int = 0, bits: int = BITS) -> Tensor:
    """Return the nearest weight on the grid of `quantize_rows`."""
    return quantize_rows(weight, outputs=outputs, bits=bits).values()
