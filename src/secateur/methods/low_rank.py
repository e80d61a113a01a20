r"""Where the components of a layer in two factors come from.

A matrix W (out, in) is split as W = P Q so that cutting off its last components costs least by a measure M (in, in) of
inputs:

.. math:: \min_{rank \le R} \lVert (W - P Q) M \rVert_F, \qquad W M = U S V^T, \quad P = U S, \quad Q = V^T M^{-1}

With M = I it is the truncated singular value decomposition. With all components kept the function is the same. After
that components are units like any other (`rank`): a criterion scores them, an allocation chooses, `Scheduled` cuts.

Source: low rank as a method of pruning, compressed step by step: Emili et al. 2023 (arXiv 2310.03424), whose equations
could not be had. Its nearest public relative is Wang et al. 2020 (FLOP, arXiv 1910.04732).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

LEAST = 1e-12
"""What inputs that are nothing but zeros count as."""

DAMPING = 1e-4
"""What is added to a measure's diagonal, relative to its mean: inputs that calibration never saw still count a
little. Ours."""


def by_moments(moments: Tensor) -> Tensor:
    r"""Return M with :math:`M M^T = E[x x^T]`, so that the cost is the layer's mean squared change of output.

    `moments` is E[x x^T], shape (in, in); so is M, lower triangular.

    Source: Chen et al. 2021 (DRONE, NeurIPS 2021); with the Cholesky factor, Wang et al. 2024 (SVD-LLM, arXiv
    2403.07378).
    """
    wide = moments.double()
    damping = DAMPING * wide.diagonal().mean().clamp(min=LEAST)
    return torch.linalg.cholesky(wide + damping * torch.eye(len(wide)).to(wide))


def by_information(information: Tensor) -> Tensor:
    r"""Return the diagonal of :math:`M = diag(\sqrt{I_j})`, shape (in,).

    I is the Fisher information of an input's weights, summed: shape (in,).

    Source: Hsu et al. 2022 (FWSVD, arXiv 2207.00112), where rows of the matrix are inputs.
    Differs: a share of the mean is added, so that inputs whose weights had no gradient keep a weight; and both vectors
    of a component have one length, where the paper leaves the singular values in one of them. Calibration gives the
    gradients of batches, not of examples.
    """
    wide = information.double()
    return (wide + DAMPING * wide.mean().clamp(min=LEAST)).sqrt()


FACTORS: Mapping[str, str] = {
    "svd": "singular values of the weights",
    "fisher": "weighted by the Fisher information of each input's weights",
    "whitened": "of the layer's output, by the second moments of its input",
}
"""Name -> what the factors are cut by."""


def factors(matrix: Tensor, measure: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Split a matrix (out, in) into Q (R, in) and P (out, R), the largest component first, R = min(out, in).

    `measure` is M, lower triangular (in, in), or its diagonal (in,). Both vectors of a component have the same length,
    as a learner likes it.

    >>> first, last = factors(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
    >>> (last @ first).round().tolist(), first.norm(dim=1).tolist()
    ([[3.0, 0.0], [0.0, 4.0]], [2.0, 1.7320507764816284])
    """
    wide = matrix.detach().double()
    left, sizes, right = torch.linalg.svd(_measured(wide, measure), full_matrices=False)
    last, first = left * sizes, _unmeasured(right, measure)
    long, short = last.norm(dim=0), first.norm(dim=1)
    ratio = torch.where(long > 0, (short / long).sqrt(), torch.ones_like(long))
    return (first / ratio[:, None]).to(matrix), (last * ratio).to(matrix)


def _measured(matrix: Tensor, measure: Tensor | None) -> Tensor:
    """Return W M."""
    if measure is None:
        return matrix
    return matrix * measure if measure.dim() == 1 else matrix @ measure


def _unmeasured(matrix: Tensor, measure: Tensor | None) -> Tensor:
    """Return V^T M^-1."""
    if measure is None:
        return matrix
    if measure.dim() == 1:
        return matrix / measure
    return torch.linalg.solve_triangular(measure, matrix, upper=False, left=False)
