"""What an utterance may have been: the N best texts of a beam."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray


@final
@dataclass(frozen=True, eq=False)
class NBest:
    """Texts of one utterance, likeliest first, no two alike."""

    texts: tuple[str, ...]

    scores: NDArray[np.float64]
    """ln of what the beam has added up for each text, shape (N,)."""


Decode = Callable[[Sequence[Sequence[int]]], list[str]]
"""Paths, a token per frame -> the texts that they write."""

Decoder = Callable[[NDArray[np.float32]], NBest]
"""ln p(token | frame), shape (T, V) -> what was said."""

SILENCE = NBest(("",), np.zeros(1))
"""What is too short for a single frame."""


def n_best(found: Iterable[tuple[str, float]]) -> NBest:
    """Sort texts, and add up the probabilities of those that are the same text.

    >>> n_best([("yes", np.log(0.2)), ("no", np.log(0.3)), ("yes", np.log(0.2))]).texts
    ('yes', 'no')
    """
    scores: dict[str, float] = {}
    for text, score in found:
        scores[text] = float(np.logaddexp(scores.get(text, -np.inf), score))
    texts = sorted(scores, key=lambda text: (-scores[text], text))
    return NBest(tuple(texts), np.array([scores[text] for text in texts]))
