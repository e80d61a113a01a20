"""Sparse stand-ins of many weights, solved for together where they have one shape."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from secateur.group import Group
from secateur.methods.matrices import as_matrices, as_weight
from secateur.methods.solve import Prox, largest_eigenvalue, proximal, solve

LARGEST = 1 << 26
"""Numbers of a stack, its moments among them: a solver holds about seven times as many, 1.9 GB in single precision."""


class Aim(NamedTuple):
    """What a stand-in is asked for."""

    group: Group
    layer: nn.Module
    values: Tensor
    moments: Tensor | None
    """Through what the compression error is seen, (in, in); ``None`` is the identity."""

    leaving: int
    """How many units are to be zero."""

    may_stay: Tensor | None = None
    """Units that may be anything but zero, bool (units,), if not all; the others are among those that are leaving."""

    @property
    def matrices(self) -> Tensor:
        """The values as (N, out, in)."""
        return as_matrices(self.layer, self.values)


def stand_ins(aims: Sequence[Aim], *, iterations: int, shrink: float, debias: bool) -> dict[str, Tensor]:
    """Return the sparse stand-in of every weight, by the tensor's name.

    With `debias`, the compression error is minimized once more on the support that was found, without the penalty.
    """
    alike: dict[tuple[object, ...], list[Aim]] = defaultdict(list)
    for aim in aims:
        alike[(*aim.matrices.shape[1:], aim.moments is None)].append(aim)
    found: dict[str, Tensor] = {}
    for stack in (part for one in alike.values() for part in _small(one)):
        found |= _solved(stack, iterations=iterations, shrink=shrink, debias=debias)
    return found


def _small(stack: Sequence[Aim]) -> Iterator[Sequence[Aim]]:
    """Cut a stack where it would take more memory than `LARGEST`: of a large model, one weight may."""
    aim = stack[0]
    numbers = aim.matrices.numel() + (0 if aim.moments is None else len(aim.matrices) * aim.moments.numel())
    some = max(1, LARGEST // numbers)
    for start in range(0, len(stack), some):
        yield stack[start : start + some]


def _solved(stack: Sequence[Aim], *, iterations: int, shrink: float, debias: bool) -> dict[str, Tensor]:
    values, moments = torch.cat([aim.matrices for aim in stack]), _moments(stack)
    largest = None if moments is None else largest_eigenvalue(moments)
    settings: Any = {"iterations": iterations, "largest": largest}
    found = solve(values, moments, _penalty(stack, iterations=iterations, shrink=shrink), **settings)
    if debias and shrink:
        support = found.ne(0)
        found = solve(values, moments, lambda near: near * support, **settings)
    return {aim.group.slices[0].tensor: part.clone() for aim, part in _parts(stack, found)}


def _moments(stack: Sequence[Aim]) -> Tensor | None:
    seen = [aim.moments.expand(len(aim.matrices), -1, -1) for aim in stack if aim.moments is not None]
    return torch.cat(seen) if seen else None


def _penalty(stack: Sequence[Aim], *, iterations: int, shrink: float) -> Prox:
    """Return the proximal step at which exactly as many units of every weight are zero as are to leave.

    To sort costs as much as the rest of the solver, so thresholds are chosen in the iterations 1, 2, 4, ... and in the
    last, and stay in between.
    """
    below: list[Tensor] = []
    done = 0

    def prox(near: Tensor) -> Tensor:
        nonlocal done
        done += 1
        chosen = done.bit_count() == 1 or done >= iterations
        known = [None] * len(stack) if chosen else below
        found = [
            proximal(part, aim.group, shrink=shrink, leaving=aim.leaving, may_stay=aim.may_stay, below=tau)
            for (aim, part), tau in zip(_parts(stack, near), known, strict=True)
        ]
        below[:] = [tau for _, tau in found]
        return torch.cat([as_matrices(aim.layer, part) for aim, (part, _) in zip(stack, found, strict=True)])

    return prox


def _parts(stack: Sequence[Aim], matrices: Tensor) -> list[tuple[Aim, Tensor]]:
    """Take a stack apart into weights of their own shapes."""
    parts = matrices.split([len(aim.matrices) for aim in stack])
    return [(aim, as_weight(aim.layer, part, tuple(aim.values.shape))) for aim, part in zip(stack, parts, strict=True)]
