r"""Rescoring: the text of an N-best list that sound and language together like best.

.. math:: \ln p(text | sound) + weight \cdot \ln p(text) + bonus \cdot |words|

The weight and the bonus are those of the fewest errors on speech that nothing is measured on.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from secateur.decoding.nbest import NBest
from secateur.decoding.scored import Scored, Scorer, Weights

BATCH = 64
"""Texts that a language model scores at once: about an utterance's list."""

TIMED = 40
"""Batches that are timed, from the shortest texts to the longest: the median of so many hardly moves with more."""

LM_WEIGHTS = np.arange(41) / 20
"""0 to 2: at 0 the language model is not heard, above 1 it is trusted more than the sound."""

BONUSES = np.arange(-12, 25) / 4
"""-3 to 6 nats per word."""


@final
@dataclass(frozen=True, eq=False)
class Candidates:
    """What an utterance may have been, with all that is known of each text, arrays of shape (N,)."""

    texts: tuple[str, ...]

    sound: NDArray[np.float64]
    """ln p(text | sound)."""

    language: NDArray[np.float64]
    """ln p(text), its end included."""

    words: NDArray[np.int64]

    def best(self, weights: Weights) -> str:
        """Return the best text; of equals, the one that sounds likeliest."""
        return self.texts[int(np.argmax(self.sound + weights.lm * self.language + weights.bonus * self.words))]


@final
@dataclass(frozen=True, eq=False)
class Rescored:
    """N-best lists as a language model scored them."""

    candidates: list[Candidates]

    seconds_per_hypothesis: float
    """Median over batches of distinct texts."""


def score_lists(
    lists: Sequence[NBest], scorer: Scorer, *, faster: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Rescored:
    """Score the texts of all lists, each text once however many lists it is in.

    What is timed is scored as things are, the rest within `faster`.
    """
    texts = sorted({text for one in lists for text in one.texts}, key=lambda text: (len(text), text))
    language, words = np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)

    def score(batch: slice) -> float:
        start = time.perf_counter()
        found: Scored = scorer(texts[batch])
        seconds = (time.perf_counter() - start) / len(found.ended)
        language[batch], words[batch] = found.ended, found.words
        return seconds

    batches = list(_batches(len(texts)))
    timed = set(range(0, len(batches), max(1, len(batches) // TIMED)))
    seconds = [score(batches[index]) for index in sorted(timed)]
    with faster():
        for index in sorted(set(range(len(batches))) - timed):
            score(batches[index])
    place = {text: index for index, text in enumerate(texts)}
    rows = ((one, [place[text] for text in one.texts]) for one in lists)
    candidates = [Candidates(one.texts, one.scores, language[row], words[row]) for one, row in rows]
    return Rescored(candidates, float(np.median(seconds)))


def _batches(count: int) -> Iterator[slice]:
    yield from (slice(start, start + BATCH) for start in range(0, count, BATCH))


def tune(candidates: Sequence[Candidates], edits: Sequence[NDArray[np.int64]]) -> Weights:
    """Return the weight and bonus whose choices have the fewest errors.

    `edits` holds, per utterance, what every text gets wrong: shape (N,). Of equals, the smaller weight, then the
    bonus nearer to 0.
    """
    grid = [Weights(float(lm), float(bonus)) for lm in LM_WEIGHTS for bonus in sorted(BONUSES, key=abs)]
    sound, language, words, wrong = (
        _padded(arrays, fill=fill)
        for arrays, fill in (
            ([one.sound for one in candidates], -np.inf),
            ([one.language for one in candidates], 0.0),
            ([one.words for one in candidates], 0.0),
            (edits, 0.0),
        )
    )
    rows = np.arange(len(wrong))
    errors = [wrong[rows, (sound + w.lm * language + w.bonus * words).argmax(1)].sum() for w in grid]
    return grid[int(np.argmin(errors))]


def _padded(arrays: Sequence[NDArray[np.floating] | NDArray[np.integer]], *, fill: float) -> NDArray[np.float64]:
    table = np.full((len(arrays), max(map(len, arrays))), fill)
    for row, array in zip(table, arrays, strict=True):
        row[: len(array)] = array
    return table
