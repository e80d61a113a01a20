"""The solver of compressed sensing: a sparse stand-in for a matrix, near to it as inputs see it."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from secateur.allocation import hold
from secateur.granularity import unit_sums
from secateur.group import Group
from secateur.masks import broadcast

Prox = Callable[[Tensor], Tensor]
"""The proximal step of a penalty, or the projection onto a set: (N, out, in) -> the same."""

POWER_ITERATIONS: Final = 30
SAFETY: Final = 1.02
"""Power iterations come to the largest eigenvalue from below; a step above its inverse would not converge."""


def solve(weights: Tensor, moments: Tensor | None, prox: Prox, *, iterations: int) -> Tensor:
    r"""Minimize the compression error plus a penalty, for N matrices at once.

    .. math:: \min_Z \tfrac12 \operatorname{tr} (Z - W) M (Z - W)^T + g(Z), \quad
              Z \leftarrow \operatorname{prox}_{\eta g}\big( Y - \eta (Y - W) M \big), \quad \eta = 1 / \lambda_{max}(M)

    `weights` are W, (N, out, in); `moments` M = A^T A of the sensing matrices, (N, in, in), or ``None`` for the
    identity, where one step is exact. Y is Z with the momentum of FISTA.

    Source: Beck and Teboulle 2009 (FISTA), with constant step.
    """
    if moments is None:
        return prox(weights)
    rate = 1.0 / largest_eigenvalue(moments)[:, None, None]
    found = ahead = weights
    pace = 1.0
    for _ in range(iterations):
        before, found = found, prox(ahead - rate * ((ahead - weights) @ moments))
        faster = (1.0 + (1.0 + 4.0 * pace * pace) ** 0.5) / 2.0
        ahead = found + (pace - 1.0) / faster * (found - before)
        pace = faster
    return found


def largest_eigenvalue(moments: Tensor) -> Tensor:
    """Bound the largest eigenvalue of N positive matrices (N, in, in) from above, shape (N,)."""
    generator = torch.Generator().manual_seed(0)
    vector = torch.rand(moments.shape[-1], generator=generator).to(moments).expand(len(moments), -1)[..., None]
    for _ in range(POWER_ITERATIONS):
        vector = torch.nn.functional.normalize(moments @ vector, dim=1)
    return SAFETY * (moments @ vector).norm(dim=1).squeeze(-1).clamp_min(torch.finfo(moments.dtype).tiny)


def thresholded(values: Tensor, group: Group, leaving: int, *, shrink: float) -> Tensor:
    r"""Zero the `leaving` units of a weight with the smallest norms, and take a share `shrink` of that off the others.

    .. math:: Z_u = V_u \, (1 - shrink \cdot \tau / \lVert V_u \rVert_2) \ [\lVert V_u \rVert_2 > \tau]

    with tau the norm of the last unit that leaves. With ``shrink = 1`` it is the proximal step of an l1 norm over units
    (the group lasso's), the weight of the norm chosen so that exactly so many units are zero; with 0 the projection
    onto the weights with so many zeros. Of neighbours some of which always stay (`Group.runs`), those below tau are
    left as they are. Units of equal norm leave together here.

    `values` have the weight's own shape.

    >>> from secateur.group import Slice
    >>> row = Group(name="w:element", granularity="element", module="", units=4, slices=(Slice(tensor="w"),))
    >>> [thresholded(torch.tensor([[4.0, -1.0, 2.0, 0.5]]), row, 2, shrink=s).tolist() for s in (1.0, 0.0)]
    [[[3.0, -0.0, 1.0, 0.0]], [[4.0, -0.0, 2.0, 0.0]]]
    """
    if not leaving:
        return values
    where = group.slices[0]
    norms = unit_sums(group, {where.tensor: values.square()}, gate_only=False).sqrt()
    held = hold(norms, group.runs)
    threshold = held.kthvalue(leaving).values
    shrunk = 1.0 - shrink * threshold / norms.clamp_min(torch.finfo(norms.dtype).tiny)
    factor = torch.where(held <= threshold, 0.0, torch.where(norms > threshold, shrunk, 1.0))
    return values * broadcast(factor, where, values.shape)
