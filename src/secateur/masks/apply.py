"""Masks act by multiplication."""

from collections.abc import Mapping

import torch
from torch import Tensor

from secateur.group import Group, Slice


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
                found.setdefault(where.tensor, []).append(_broadcast(mask, where, parameter).to(parameter.device))
    return found


@torch.no_grad()
def multiply(parameters: Mapping[str, Tensor], by: Mapping[str, list[Tensor]]) -> None:
    """Multiply parameters in place."""
    for name, factors in by.items():
        for factor in factors:
            parameters[name].mul_(factor)


def _broadcast(mask: Tensor, where: Slice, parameter: Tensor) -> Tensor:
    if where.dim is None:
        return mask.reshape(parameter.shape) if mask.numel() == parameter.numel() else mask.reshape(())
    rows = torch.ones(parameter.shape[where.dim], dtype=torch.bool)
    rows[where.offset : where.offset + len(mask) * where.width] = mask.repeat_interleave(where.width)
    shape = [1] * parameter.dim()
    shape[where.dim] = -1
    return rows.reshape(shape)
