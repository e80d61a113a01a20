"""What may not leave, whatever its score."""

import torch
from torch import Tensor

from secateur.allocation.allocation import GONE, STAYS
from secateur.group import Runs


def hold(scores: Tensor, runs: Runs | None) -> Tensor:
    """Return `scores`, shape (units,), with `STAYS` for the best of each run; a site without runs is free.

    What has left does not come back: a run that lacks more than its share holds what it has. Among equal scores the
    higher index is held, as the lower one leaves first.

    >>> hold(torch.tensor([3.0, 1.0, 2.0, 1.0]), Runs(stay=2, of=4)).tolist()
    [inf, 1.0, inf, 1.0]
    >>> hold(torch.tensor([GONE, GONE, GONE, 1.0]), Runs(stay=2, of=4)).tolist()
    [-inf, -inf, -inf, inf]
    """
    if runs is None:
        return scores
    by_run = scores.reshape(-1, runs.of, runs.stride)
    best = by_run.argsort(dim=1, stable=True)[:, runs.of - runs.stay :]
    held = torch.zeros_like(by_run, dtype=torch.bool).scatter(1, best, True).flatten()
    return scores.masked_fill(held & (scores != GONE), STAYS)
