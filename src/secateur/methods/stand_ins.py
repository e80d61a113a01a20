"""Sparse stand-ins of many weights, solved for together where they have one shape."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from secateur.group import Group
from secateur.methods.matrices import as_matrices, as_weight
from secateur.methods.solve import largest_eigenvalue, solve, thresholded


class Weight(NamedTuple):
    """What a stand-in is asked for."""

    group: Group
    layer: nn.Module
    values: Tensor
    moments: Tensor | None
    """Through what the compression error is seen, (in, in); ``None`` is the identity."""

    leaving: int
    """How many units are to be zero."""

    @property
    def matrices(self) -> Tensor:
        """The values as (N, out, in)."""
        return as_matrices(self.layer, self.values)


def stand_ins(weights: Sequence[Weight], *, iterations: int, shrink: float, debias: bool) -> dict[str, Tensor]:
    """Return the sparse stand-in of every weight, by the tensor's name.

    With `debias`, the compression error is minimized once more on the support that was found, without the penalty.
    """
    stacks: dict[tuple[object, ...], list[Weight]] = defaultdict(list)
    for weight in weights:
        stacks[(*weight.matrices.shape[1:], weight.moments is None)].append(weight)
    found: dict[str, Tensor] = {}
    for stack in stacks.values():
        found |= _solved(stack, iterations=iterations, shrink=shrink, debias=debias)
    return found


def _solved(stack: Sequence[Weight], *, iterations: int, shrink: float, debias: bool) -> dict[str, Tensor]:
    values, moments = torch.cat([weight.matrices for weight in stack]), _moments(stack)
    largest = None if moments is None else largest_eigenvalue(moments)
    settings: Any = {"iterations": iterations, "largest": largest}
    found = solve(values, moments, lambda near: _threshold(stack, near, shrink=shrink), **settings)
    if debias and shrink:
        support = found.ne(0)
        found = solve(values, moments, lambda near: near * support, **settings)
    return {weight.group.slices[0].tensor: part.clone() for weight, part in _parts(stack, found)}


def _moments(stack: Sequence[Weight]) -> Tensor | None:
    seen = [weight.moments.expand(len(weight.matrices), -1, -1) for weight in stack if weight.moments is not None]
    return torch.cat(seen) if seen else None


def _threshold(stack: Sequence[Weight], near: Tensor, *, shrink: float) -> Tensor:
    return torch.cat(
        [
            as_matrices(weight.layer, thresholded(part, weight.group, weight.leaving, shrink=shrink))
            for weight, part in _parts(stack, near)
        ]
    )


def _parts(stack: Sequence[Weight], matrices: Tensor) -> list[tuple[Weight, Tensor]]:
    """Take a stack apart into weights of their own shapes."""
    parts = matrices.split([len(weight.matrices) for weight in stack])
    return [
        (weight, as_weight(weight.layer, part, tuple(weight.values.shape)))
        for weight, part in zip(stack, parts, strict=True)
    ]
