"""Make the student's hidden states those of the teacher."""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

Match = Callable[[Tensor, Sequence[int], int], list[int]]
"""(distances (taps, student layers), teacher layers tapped, layers of the teacher) -> a student layer per tap."""


def spread(layers: int, taps: int) -> tuple[int, ...]:
    """Choose `taps` of a model's `layers`, evenly, the last one among them.

    >>> spread(12, 4), spread(8, 3), spread(2, 4)
    ((2, 5, 8, 11), (2, 4, 7), (0, 1))

    Source: CoFi's layers of BERT (2, 5, 8, 11 of 12).
    """
    taps = min(taps, layers)
    return tuple(round((i + 1) * layers / taps) - 1 for i in range(taps))


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Return the mean squared difference of two hidden states over the frames of speech, both (N, D): a scalar."""
    return (one - other).square().mean()


@torch.no_grad()
def distances(teacher: Sequence[Tensor], student: Sequence[Tensor]) -> Tensor:
    """Return the distance of every tapped layer of the teacher to every layer of the student: (taps, layers)."""
    return torch.stack([torch.stack([distance(one, other) for other in student]) for one in teacher])


def fixed(found: Tensor, taps: Sequence[int], layers: int) -> list[int]:
    """Match each tap with the student's layer at the same depth, whatever the distances.

    >>> fixed(torch.zeros(2, 8), [3, 7], 8), fixed(torch.zeros(2, 4), [3, 7], 8)
    ([3, 7], [1, 3])
    """
    return [max(1, round((tap + 1) * found.shape[1] / layers)) - 1 for tap in taps]


def matched(found: Tensor, taps: Sequence[int], layers: int) -> list[int]:
    """Match each tap with the closest layer, in order: from the top down, each strictly below the one before.

    Where none is left below, the one before is taken again.

    >>> matched(torch.tensor([[3.0, 1.0, 2.0], [5.0, 0.0, 4.0]]), [0, 2], 3)
    [0, 1]

    Source: CoFi (arXiv 2204.00408), section 3.2, with the order that its public code enforces.
    Differs: layers that are gated off need no exception; they pass their input on, so they are the layer below.
    """
    chosen: list[int] = []
    below = found.shape[1]
    for row in reversed(range(len(taps))):
        below = int(found[row, :below].argmin()) if below else 0
        chosen.append(below)
    return chosen[::-1]


MATCHINGS: Final[dict[str, Match]] = {"matched": matched, "fixed": fixed}
