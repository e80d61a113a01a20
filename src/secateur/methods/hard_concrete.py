r"""The hard concrete distribution: random gates in [0, 1], exactly 0 or 1 with a learnt probability.

With :math:`u \sim U(0, 1)`, a parameter :math:`\log\alpha` per gate and the constants l = -0.1, r = 1.1, beta = 2/3:

.. math:: s = \sigma((\log u - \log(1 - u) + \log\alpha) / \beta), \quad z = \min(1, \max(0, s (r - l) + l))

Source: Louizos et al. 2018, "Learning sparse neural networks through L0 regularization" (arXiv 1712.01312), eqs. 10 to
13; the constants are those of its authors.
"""

import math
from typing import Final

import torch
from torch import Tensor

LOW: Final = -0.1
HIGH: Final = 1.1
"""The interval that s is stretched to, so that its ends have a probability: l and r."""

TEMPERATURE: Final = 2 / 3
"""Beta: how far from 0 and 1 the draws in between lie."""

SMALLEST: Final = 1e-6
"""Distance of the uniform draws from 0 and 1, whose logits are infinite."""

BOUND: Final = 30.0
"""Largest absolute log alpha: beyond it chances no longer differ from 0 and 1. CoFi's code has log 100, which makes the
order of the most open gates, and of the most closed ones, a tie."""


def draw(log_alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Draw gates: values in [0, 1] of the shape of `log_alpha`, differentiable in it (eqs. 10 and 11)."""
    uniform = torch.rand(log_alpha.shape, generator=generator, dtype=log_alpha.dtype)
    noise = torch.logit(uniform.clamp(SMALLEST, 1 - SMALLEST))
    return _stretched(torch.sigmoid((noise + log_alpha) / TEMPERATURE))


def openness(log_alpha: Tensor) -> Tensor:
    """Return P(z > 0), differentiable (eq. 12).

    >>> round(openness(torch.tensor(0.0)).item(), 3)
    0.832
    """
    return torch.sigmoid(log_alpha - TEMPERATURE * math.log(-LOW / HIGH))


def settled(log_alpha: Tensor) -> Tensor:
    """Return the gates' values without chance (eq. 13): 1 from log alpha = 2.4 on, 0 from -2.4 on.

    >>> settled(torch.tensor([-2.4, 0.0, 2.4])).tolist()
    [0.0, 0.5, 1.0]
    """
    return _stretched(torch.sigmoid(log_alpha))


def start(probability: float) -> float:
    r"""Return the log alpha whose un-stretched gate is open with `probability`: its logit, within the bound.

    >>> start(0.5), start(1 - 1e-14) == BOUND
    (0.0, True)
    """
    return max(-BOUND, min(BOUND, math.log(probability / (1 - probability))))


def _stretched(share: Tensor) -> Tensor:
    return (share * (HIGH - LOW) + LOW).clamp(0.0, 1.0)
