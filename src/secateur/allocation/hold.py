"""What may not leave, whatever its score."""

import torch
from torch import Tensor

from secateur.allocation.allocation import GONE, STAYS
from secateur.group import Runs


def hold(scores: Tensor, runs: Runs | None, *, here: Tensor | None = None) -> Tensor:
    """Return `scores`, shape (units,), with `STAYS` for the best of each run; a site without runs is free.

    Units that are not `here`, bool (units,) on any device, have left: `GONE`. They do not come back: a run that lacks
    more than its share holds what it has. Among equal scores the higher index is held, as the lower one leaves first.

    >>> hold(torch.tensor([3.0, 1.0, 2.0, 1.0]), Runs(stay=2, of=4)).tolist()
    [inf, 1.0, inf, 1.0]
    >>> hold(torch.tensor([GONE, GONE, GONE, 1.0]), Runs(stay=2, of=4)).tolist()
    [-inf, -inf, -inf, inf]
    """
    if here is not None:
        scores = scores.masked_fill(~here.to(scores.device), GONE)
    if runs is None:
        return scores
    places = scores.reshape(-1, runs.of, runs.stride).movedim(1, 0).contiguous()
    ahead = runs.of * places.clone().eq_(GONE)  # counted in floats and in place: several times as fast as in bools
    for place in range(runs.of - 1):  # runs are short: to count is several times faster than to sort
        higher = places[place + 1 :].clone().ge_(places[place])
        ahead[place] += higher.sum(0)
        ahead[place + 1 :] += 1 - higher
    held = (runs.stay - 0.5 - ahead) * STAYS
    return torch.maximum(scores, held.movedim(0, 1).flatten())
