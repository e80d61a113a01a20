"""From elements to units."""

from collections.abc import Mapping
from functools import reduce
from operator import add, mul

import torch
from torch import Tensor

from secateur.group import Group, Slice


def unit_sums(group: Group, elements: Mapping[str, Tensor], *, gate_only: bool) -> Tensor:
    """Sum element contributions over each unit's members: shape (units,).

    `elements` maps tensor names to contributions of the tensors' shapes; names that are absent (buffers) contribute
    nothing, and neither does a layer that has lost all its modules. With `gate_only`, only the slices that read the
    unit's output count.

    A component of a layer in two factors is the product of a column and a row, so what its members contribute is
    multiplied: the energy of :math:`p q^T` is :math:`\\lVert p \\rVert^2 \\lVert q \\rVert^2`.
    """
    slices = [s for s in group.slices if s.tensor in elements and (s.gate or not gate_only)]
    if not slices:
        return torch.zeros(group.units)
    parts = [_per_unit(elements[where.tensor], where, group.units) for where in slices]
    return reduce(mul if group.granularity == "rank" else add, parts)


def members(group: Group, sizes: Mapping[str, torch.Size]) -> int:
    """Count the parameters that one unit takes with it."""
    return sum(_elements_per_unit(s, sizes[s.tensor], group.units) for s in group.slices if s.tensor in sizes)


def empty(group: Group, weights: Mapping[str, Tensor]) -> Tensor:
    """Tell which units hold nothing but zeros: bool, shape (units,)."""
    held = {where.tensor: weights[where.tensor].detach().ne(0) for where in group.slices if where.tensor in weights}
    return unit_sums(group, held, gate_only=False) == 0


def _per_unit(elements: Tensor, where: Slice, units: int) -> Tensor:
    if where.block is not None:
        rows, columns = where.block
        return elements.unflatten(1, (-1, columns)).unflatten(0, (-1, rows)).sum((1, 3)).flatten()
    if where.dim is None:
        return elements.flatten() if units == elements.numel() else elements.sum().reshape(1)
    rows = elements.narrow(where.dim, where.offset, units * where.width)
    others = [axis for axis in range(rows.dim()) if axis != where.dim]
    return (rows.sum(dim=others) if others else rows).reshape(units, where.width).sum(1)


def _elements_per_unit(where: Slice, size: torch.Size, units: int) -> int:
    return size.numel() // units if where.dim is None else size.numel() // size[where.dim] * where.width
