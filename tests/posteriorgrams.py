"""Posteriors small enough to look at every path, and what all paths together say."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import numpy as np

from secateur.decoding.spelling import spell, tidy

PIECES = ("", " ", "a", "b")
"""The blank, a word boundary and two letters."""


def decode(paths: Sequence[Sequence[int]]) -> list[str]:
    return [spell(path, PIECES) for path in paths]


def posteriorgram(frames: int, seed: int, *, pieces: Sequence[str] = PIECES) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(frames, len(pieces)))
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)


def every_text(log_probs: np.ndarray, pieces: Sequence[str] = PIECES) -> dict[str, float]:
    """The probability of each text: the sum over all of its paths."""
    found: dict[str, float] = defaultdict(float)
    for path in product(range(len(pieces)), repeat=len(log_probs)):
        found[tidy(spell(path, pieces))] += float(np.exp(sum(log_probs[t, k] for t, k in enumerate(path))))
    return dict(found)
