"""Precision that sums need."""

import torch
from torch import Tensor


def wide(tensor: Tensor) -> Tensor:
    """Return a tensor in single precision at least: in half, squares vanish, and sums lose what they add up.

    >>> wide(torch.ones(1, dtype=torch.float16)).dtype, wide(torch.ones(1, dtype=torch.float64)).dtype
    (torch.float32, torch.float64)
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
