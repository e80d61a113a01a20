"""Masks act by multiplication."""

from collections.abc import Mapping

import torch
from torch import Tensor

from secateur.group import Group, Slice


def broadcast(values: Tensor, where: Slice, shape: torch.Size) -> Tensor:
    """Spread one value per unit, shape (units,), so that it broadcasts to a tensor of `shape`; 1 beside the units.

    >>> broadcast(torch.tensor([0.5, 2.0]), Slice(tensor="w", dim=1, width=2, offset=1), torch.Size([3, 6])).tolist()
    [[1.0, 0.5, 0.5, 2.0, 2.0, 1.0]]
    >>> broadcast(torch.tensor([1, 2]), Slice(tensor="w", block=(2, 1)), torch.Size([2, 2])).tolist()
    [[1, 2], [1, 2]]
    """
    if where.block is not None:
        rows, columns = where.block
        tiles = values.reshape(shape[0] // rows, shape[1] // columns, *shape[2:])
        return tiles.repeat_interleave(rows, 0).repeat_interleave(columns, 1)
    if where.dim is None:
        return values.reshape(shape if values.numel() == shape.numel() else ())
    rows = torch.ones(shape[where.dim], dtype=values.dtype, device=values.device)
    rows[where.offset : where.offset + len(values) * where.width] = values.repeat_interleave(where.width)
    return rows.reshape([-1 if dim == where.dim else 1 for dim in range(len(shape))])


def multipliers(
    groups: Mapping[str, Group], masks: Mapping[str, Tensor], parameters: Mapping[str, Tensor]
) -> dict[str, list[Tensor]]:
    """Return, per parameter that a mask touches, bool tensors that broadcast to its shape; their product is its mask.

    Buffers are left alone: with a norm's weight and bias at zero its running statistics have no effect.
    """
    found: dict[str, list[Tensor]] = {}
    for site, mask in masks.items():
        if mask.all():
            continue
        for where in groups[site].slices:
            if where.tensor in parameters:
                parameter = parameters[where.tensor]
                found.setdefault(where.tensor, []).append(broadcast(mask, where, parameter.shape).to(parameter.device))
    return found


@torch.no_grad()
def multiply(parameters: Mapping[str, Tensor], by: Mapping[str, list[Tensor]]) -> None:
    """Multiply parameters in place."""
    for name, factors in by.items():
        for factor in factors:
            parameters[name].mul_(factor)
