"""Exact selection."""

import torch
from torch import Tensor

from secateur.smallest import kth_smallest


def select(scores: Tensor, share: float) -> Tensor:
    """Mask out a share of the units, the least important first: bool, ``True`` is kept.

    Exactly ``n - round(n * share)`` are kept. Among equal scores the lower index leaves first: thresholds
    (``score > kth``) would take all or none of a tie.

    >>> select(torch.tensor([3.0, 1.0, 2.0, 1.0]), 0.5).tolist()
    [True, False, True, False]
    >>> select(torch.zeros(4), 0.25).tolist()
    [False, True, True, True]
    """
    gone = round(len(scores) * share)
    if not gone:
        return torch.ones_like(scores, dtype=torch.bool)
    last = kth_smallest(scores, gone)
    below = scores < last
    ties = (scores == last).nonzero().flatten()
    below[ties[: gone - int(below.sum())]] = True
    return ~below
