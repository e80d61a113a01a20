"""The solver of compressed sensing: a sparse stand-in for a matrix, near to it as inputs see it."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from secateur.allocation import hold
from secateur.granularity import unit_sums
from secateur.group import Group
from secateur.masks import broadcast
from secateur.smallest import kth_smallest

Prox = Callable[[Tensor], Tensor]
"""The proximal step of a penalty, or the projection onto a set: (N, out, in) -> the same."""

POWER_ITERATIONS: Final = 30
SAFETY: Final = 1.1
"""Power iterations come to the largest eigenvalue from below, where the next one is near it by some percent; a step
above twice its inverse would not converge."""


def solve(
    weights: Tensor, moments: Tensor | None, prox: Prox, *, iterations: int, largest: Tensor | None = None
) -> Tensor:
    r"""Minimize the compression error plus a penalty, for N matrices at once.

    .. math:: \min_Z \tfrac12 \operatorname{tr} (Z - W) M (Z - W)^T + g(Z), \quad
              Z \leftarrow \operatorname{prox}_{\eta g}\big( Y - \eta (Y - W) M \big), \quad \eta = 1 / \lambda_{max}(M)

    `weights` are W, (N, out, in); `moments` M = A^T A of the sensing matrices, (N, in, in), or ``None`` for the
    identity, where one step is exact; `largest` are their largest eigenvalues, (N,), where they are known. Y is Z with
    the momentum of FISTA.

    Where `iterations` are few, as within training, this is a descent from W and not the minimum; what is exact is that
    the last step is the proximal one.

    Source: Beck and Teboulle 2009 (FISTA), with constant step.
    """
    if moments is None:
        return prox(weights)
    scaled = moments / (largest_eigenvalue(moments) if largest is None else largest)[:, None, None]
    found = ahead = weights
    pace = 1.0
    for done in range(iterations):  # at W itself, where it begins, the error is flat
        before, found = found, prox(torch.baddbmm(ahead, ahead - weights, scaled, alpha=-1.0) if done else weights)
        faster = (1.0 + (1.0 + 4.0 * pace * pace) ** 0.5) / 2.0
        ahead = torch.add(found, found - before, alpha=(pace - 1.0) / faster)
        pace = faster
    return found


def largest_eigenvalue(moments: Tensor) -> Tensor:
    """Bound the largest eigenvalue of N positive matrices (N, in, in) from above, shape (N,)."""
    start = torch.rand(moments.shape[-1], generator=torch.Generator().manual_seed(0)).to(moments)
    found = torch.stack([_stretch(matrix, start) for matrix in moments])  # one by one: each stays in the cache
    return SAFETY * found.clamp_min(torch.finfo(moments.dtype).tiny)


def _stretch(matrix: Tensor, vector: Tensor) -> Tensor:
    """Return how much a matrix stretches what it has been iterated on."""
    for _ in range(POWER_ITERATIONS):
        vector = matrix @ vector
        vector = vector / vector.norm().clamp_min(torch.finfo(matrix.dtype).tiny)
    return (matrix @ vector).norm()


def proximal(
    values: Tensor,
    group: Group,
    *,
    shrink: float,
    leaving: int,
    may_stay: Tensor | None = None,
    below: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Zero the units of a weight whose norm is at most a threshold tau, and shrink the others by a share of it.

    .. math:: Z_u = V_u \, (1 - shrink \cdot \tau / \lVert V_u \rVert_2) \ [\lVert V_u \rVert_2 > \tau]

    Returns Z, of the weight's own shape as `values` are, and tau. This is `below`, or where there is none the norm of
    the last of so many units that are `leaving`, the smallest first, and -1 where none does. With ``shrink = 1`` it is
    then the weight of an l1 norm over units (the group lasso's) at which exactly so many are zero; with 0, Z is the
    projection onto the weights with so many zeros. Of units whose norm is tau the first leave, as many as are to, and
    the others keep a trace of themselves. Units that are not `may_stay` have left before, and leave first of all.

    Of neighbours some of which always stay (`Group.runs`), the largest are free of the penalty and stay as they are:
    the trimmed lasso.

    Source: Bertsimas, Copenhaver and Mazumder 2017 (arXiv 1708.04527), the trimmed lasso.

    >>> from secateur.group import Slice
    >>> row = Group(name="w:element", granularity="element", module="", units=4, slices=(Slice(tensor="w"),))
    >>> values = torch.tensor([[4.0, -1.0, 2.0, 0.5]])
    >>> [proximal(values, row, shrink=s, leaving=2)[0].tolist() for s in (1.0, 0.0)]
    [[[3.0, -0.0, 1.0, 0.0]], [[4.0, -0.0, 2.0, 0.0]]]
    """
    norms = hold(_norms(values, group), group.runs, here=may_stay)  # of what is held it is infinite, and loses nothing
    tau = _threshold(norms, leaving) if below is None else below
    stays = norms > tau
    if below is None:
        ties = norms == tau
        stays |= ties & (ties.cumsum(0) > leaving - (norms < tau).sum())
    room = torch.finfo(norms.dtype)
    factor = (1.0 - shrink * tau.clamp_min(0.0) / norms.clamp_min(room.tiny)).clamp_min(room.eps)
    return values * broadcast(factor * stays, group.slices[0], values.shape), tau


def _threshold(norms: Tensor, leaving: int) -> Tensor:
    return kth_smallest(norms, leaving) if leaving else norms.new_tensor(-1.0)


def _norms(values: Tensor, group: Group) -> Tensor:
    """Return the Euclidean norm of every unit, (units,)."""
    if group.units == values.numel():
        return values.abs().flatten()
    return unit_sums(group, {group.slices[0].tensor: values.square()}, gate_only=False).sqrt()
