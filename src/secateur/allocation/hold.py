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
    place = torch.arange(runs.of, device=scores.device)[:, None]
    ahead = torch.zeros_like(by_run, dtype=torch.int16)
    for index in range(runs.of):  # runs are short: to count is several times faster than to sort
        other = by_run[:, index : index + 1]
        ahead += (other > by_run) | ((other == by_run) & (index > place))
    held = (ahead < runs.stay).flatten()
    return scores.masked_fill(held & (scores != GONE), STAYS)
