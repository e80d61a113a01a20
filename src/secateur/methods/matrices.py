"""Weights of layers as stacks of matrices (out, in)."""

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D


def as_matrices(layer: nn.Module, weight: Tensor) -> Tensor:
    """Return a weight as (N, out, in): a filter has a matrix per position, other layers one.

    >>> import torch
    >>> as_matrices(nn.Conv1d(4, 6, 3), torch.zeros(6, 4, 3)).shape
    torch.Size([3, 6, 4])
    """
    if isinstance(layer, Conv1D):
        return weight.T[None]
    return weight.flatten(2).movedim(2, 0) if weight.dim() > 2 else weight[None]


def as_weight(layer: nn.Module, matrices: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undo `as_matrices`, for a weight of `shape`."""
    if isinstance(layer, Conv1D):
        return matrices[0].T
    return matrices.movedim(0, 2).reshape(shape) if len(shape) > 2 else matrices[0]
