"""Which utterances a recognizer can be trained on."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
import numpy.typing as npt

from secateur.data.manifest import Utterance
from secateur.errors import DataError

logger = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class Trainable:
    """The utterances that can be trained on, by their place in the list, and their labels."""

    indices: tuple[int, ...]
    labels: tuple[tuple[int, ...], ...]


def trainable(
    utterances: Sequence[Utterance],
    tokens: Sequence[Sequence[int]],
    frames: npt.NDArray[np.int64],
    *,
    unknown: int | None,
    max_seconds: float,
    needed: Callable[[Sequence[int]], int],
) -> Trainable:
    """Select what can be aligned: at least as many encoder `frames` as are `needed` for the tokens.

    Utterances with characters outside the vocabulary, without text, too long, or too short for their text are left
    out, counted, and said with an example.

    Raises:
        DataError: Nothing is left.
    """
    reasons = {
        "have no text": lambda i: not tokens[i],
        "have characters outside the vocabulary": lambda i: unknown in tokens[i],
        f"are longer than {max_seconds:g} s": lambda i: utterances[i].duration > max_seconds,
        "are too short for their text": lambda i: frames[i] < needed(tokens[i]),
    }
    kept: list[int] = []
    skipped: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for i in range(len(utterances)):
        reason = next((name for name, applies in reasons.items() if applies(i)), None)
        if reason is None:
            kept.append(i)
        else:
            skipped[reason] += 1
            examples.setdefault(reason, f"`{utterances[i].key}`: {utterances[i].text[:60]!r}")
    for reason, count in skipped.items():
        logger.warning("%d of %d utterances %s and are skipped (%s)", count, len(utterances), reason, examples[reason])
    if not kept:
        why = "; ".join(f"{count} {reason}, such as {examples[reason]}" for reason, count in skipped.items())
        raise DataError(
            f"`data.train` must hold utterances that can be trained on, but none of {len(utterances)} can: {why}"
        )
    return Trainable(tuple(kept), tuple(tuple(tokens[i]) for i in kept))


def ctc_frames(tokens: Sequence[int]) -> int:
    """Count the frames that CTC needs at least: one per token, and a blank between equal neighbours.

    >>> ctc_frames([3, 4, 4, 5]), ctc_frames([])
    (5, 0)
    """
    return len(tokens) + sum(a == b for a, b in pairwise(tokens))


def one_frame(tokens: Sequence[int]) -> int:
    """Return what a transducer needs: it may write all tokens at once."""
    return 1
