"""What is worth having: the models that no other beats in both size and quality."""

from collections.abc import Sequence
from math import inf

Pair = tuple[float, float]
"""What a model costs and what it is judged by; less is better of both."""


def front(pairs: Sequence[Pair]) -> tuple[int, ...]:
    """Return the indices of the pairs that no other beats, cheapest first: the Pareto front.

    One beats another if it is no worse in either and better in one; of equal pairs each stays.

    >>> front([(0.5, 9.0), (0.6, 8.0), (0.7, 8.5), (0.5, 9.0)])
    (0, 3, 1)
    """
    best, kept = (inf, inf), list[int]()
    for index in sorted(range(len(pairs)), key=lambda index: pairs[index]):
        if pairs[index][1] < best[1] or pairs[index] == best:
            best = pairs[index]
            kept.append(index)
    return tuple(kept)
