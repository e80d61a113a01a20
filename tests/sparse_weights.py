"""Weights with zeros where a packed file may meet them."""

from typing import Any

import torch
from torch import Tensor

SHAPES = [(33, 70), (16, 4), (1, 1), (5, 128), (1, 200), (200, 1), (40, 3, 5)]
SHARES = [0.0, 0.5, 0.8, 0.97, 1.0]


def sparse(shape: tuple[int, ...], share: float, *, tile: tuple[int, int] = (1, 1), seed: int = 0) -> Tensor:
    """Draw a weight of which whole tiles, `share` of them in the mean, are zero."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(shape, generator=generator)
    rows, columns = weight.flatten(1).shape
    (down, across), (high, wide) = (-(-rows // tile[0]), -(-columns // tile[1])), tile
    kept = torch.rand(down, across, generator=generator) >= share
    whole = kept.repeat_interleave(high, 0)[:rows].repeat_interleave(wide, 1)[:, :columns]
    return weight * whole.reshape(shape)


@torch.no_grad()
def zeroed(model: Any, share: float = 0.8) -> Any:
    """Zero a share of every matrix, one by one."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.mul_(torch.rand(parameter.shape, generator=generator) >= share)
    return model.eval()
