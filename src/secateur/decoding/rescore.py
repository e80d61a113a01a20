r"""Rescoring: the text of an N-best list that sound and language together like best.

.. math:: \ln p(text | sound) + weight \cdot \ln p(text) + bonus \cdot |words|

The weight and the bonus are those of the fewest errors on speech that nothing is measured on.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, final

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


class Reader(Protocol):
    """Who scores texts."""

    @property
    def scorer(self) -> Scorer:
        """The language model."""
        ...

    @property
    def faster(self) -> Callable[[], AbstractContextManager[None]]:
        """Within it, it scores on the accelerator, where there is one and it can."""
        ...


def score_lists(lists: Sequence[NBest], readers: Sequence[Reader]) -> list[Rescored]:
    """Have every reader score the texts of all lists, each text once however many lists it is in.

    Of the batches that are timed every reader scores one before any scores the next, as things are; the rest is scored
    within `faster`.
    """
    texts = sorted({text for one in lists for text in one.texts}, key=lambda text: (len(text), text))
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    sheets = [_Sheet(reader) for reader in readers]
    timed = range(0, len(batches), max(1, len(batches) // TIMED))
    for index in timed:
        for sheet in sheets:
            sheet.score_timed(index, batches[index])
    for sheet in sheets:
        with sheet.reader.faster():
            for index in sorted(set(range(len(batches))).difference(timed)):
                sheet.score(index, batches[index])
    place = {text: index for index, text in enumerate(texts)}
    rows = [(one, [place[text] for text in one.texts]) for one in lists]
    return [sheet.rescored(rows) for sheet in sheets]


@final
class _Sheet:
    """What a reader has scored so far, batch by batch."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._scored: dict[int, Scored] = {}
        self._seconds: list[float] = []

    def score(self, index: int, texts: Sequence[str]) -> None:
        self._scored[index] = self.reader.scorer(texts)

    def score_timed(self, index: int, texts: Sequence[str]) -> None:
        start = time.perf_counter()
        self.score(index, texts)
        self._seconds.append((time.perf_counter() - start) / len(texts))

    def rescored(self, rows: Sequence[tuple[NBest, list[int]]]) -> Rescored:
        """Hand the scores out to the lists, each with the places of its texts."""
        scored = [self._scored[index] for index in sorted(self._scored)]
        language = np.concatenate([one.ended for one in scored])
        words = np.concatenate([one.words for one in scored])
        candidates = [Candidates(one.texts, one.scores, language[row], words[row]) for one, row in rows]
        return Rescored(candidates, float(np.median(self._seconds)))


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
