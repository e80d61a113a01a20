"""Word and character error rates, per utterance and over the whole set, through jiwer's alignment.

    WER = (substitutions + deletions + insertions) / reference words        over all utterances together

The per-utterance counts stay, because the interval and the significance test resample utterances.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, final

import jiwer
import numpy as np
from jiwer import AlignmentChunk
from numpy.typing import NDArray

from secateur.errors import DataError

NORMALIZER_NAME = "lower case, NFC, punctuation and symbols but the apostrophe to space, white space collapsed"
"""What `normalize` does, in the words that a report prints."""

APOSTROPHES = {"\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{MODIFIER LETTER APOSTROPHE}": "'"}
"""Typographic apostrophes become the plain one, so that both spellings of "don't" are one word."""

Op = Literal["equal", "substitute", "insert", "delete"]


def normalize(text: str) -> str:
    """The text as it is scored: see `NORMALIZER_NAME`. Normalizing twice changes nothing.

    >>> normalize("  Well-known: it's 5 %!")
    "well known it's 5"
    >>> normalize("...")
    ''
    """
    composed = unicodedata.normalize("NFC", text.lower())
    return " ".join("".join(map(_scored, composed)).split())


def _scored(character: str) -> str:
    character = APOSTROPHES.get(character, character)
    # Unicode's categories P* are punctuation and S* symbols.
    return " " if unicodedata.category(character)[0] in "PS" and character != "'" else character


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class WordErrors:
    """Edits and lengths per utterance, int64 arrays of shape (utterances,), in the order of the references.

    Rates are fractions over the whole set, so one above 1 is possible: insertions have no bound.

    >>> errors = word_errors(["a b", "c"], ["a", "c d"])
    >>> errors.word_edits.tolist(), errors.words, errors.wer
    ([1, 1], 3, 0.6666666666666666)
    """

    word_edits: NDArray[np.int64]
    word_counts: NDArray[np.int64]
    char_edits: NDArray[np.int64]
    char_counts: NDArray[np.int64]
    """Characters of each normalized reference, single spaces between words included."""

    @property
    def wer(self) -> float:
        """Sum of word edits / sum of reference words."""
        return float(self.word_edits.sum() / self.word_counts.sum())

    @property
    def cer(self) -> float:
        """Sum of character edits / sum of reference characters."""
        return float(self.char_edits.sum() / self.char_counts.sum())

    @property
    def utterances(self) -> int:
        """How many utterances were scored, those with an empty reference included."""
        return len(self.word_counts)

    @property
    def words(self) -> int:
        """How many reference words were scored: the denominator of `wer`."""
        return int(self.word_counts.sum())


def word_errors(
    references: Sequence[str], hypotheses: Sequence[str], *, normalizer: Callable[[str], str] = normalize
) -> WordErrors:
    """Aligns each hypothesis to its reference, both normalized, with the fewest edits.

    An empty reference adds no words, and each word of its hypothesis is an insertion.

    Raises:
        DataError: when the lists differ in length, or the references hold no word at all.

    >>> word_errors(["", "yes"], ["uh", "yes"]).wer
    1.0
    >>> word_errors(["Yes."], ["yes"]).wer
    0.0
    """
    truths, guesses = _normalized(references, hypotheses, normalizer)
    words, characters = jiwer.process_words(truths, guesses), jiwer.process_characters(truths, guesses)
    return WordErrors(
        word_edits=_edits(words.alignments),
        word_counts=_lengths(words.references),
        char_edits=_edits(characters.alignments),
        char_counts=_lengths(characters.references),
    )


def word_edits(
    references: Sequence[str], hypotheses: Sequence[str], *, normalizer: Callable[[str], str] = normalize
) -> NDArray[np.int64]:
    """Count the word edits of each hypothesis as `word_errors` does, without its characters, which take longer.

    Raises:
        DataError: as there.

    >>> word_edits(["yes", "no one"], ["yes", "one"]).tolist()
    [0, 1]
    """
    return _edits(jiwer.process_words(*_normalized(references, hypotheses, normalizer)).alignments)


def _normalized(
    references: Sequence[str], hypotheses: Sequence[str], normalizer: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    if len(references) != len(hypotheses):
        raise DataError(
            f"`hypotheses` must be as many as `references`, but are {len(hypotheses)} for {len(references)}; "
            "pass an empty string where the recognizer said nothing"
        )
    truths, guesses = [normalizer(text) for text in references], [normalizer(text) for text in hypotheses]
    if not any(truths):
        raise DataError(f"`references` must hold at least one word, but all {len(truths)} are empty once normalized")
    return truths, guesses


@final
class Difference(NamedTuple):
    """One run of words with the same edit, ready to be drawn."""

    op: Op
    reference: tuple[str, ...]
    hypothesis: tuple[str, ...]


def differences(reference: str, hypothesis: str, *, normalizer: Callable[[str], str] = normalize) -> list[Difference]:
    """The alignment behind the word errors of one utterance; the runs in order spell both texts.

    >>> for op, was, became in differences("turn the light on", "turn light off"):
    ...     print(op, was, became)
    equal ('turn',) ('turn',)
    delete ('the',) ()
    equal ('light',) ('light',)
    substitute ('on',) ('off',)
    >>> differences("", "")
    []
    """
    output = jiwer.process_words([normalizer(reference)], [normalizer(hypothesis)])
    truth, guess = output.references[0], output.hypotheses[0]
    return [
        Difference(
            cast(Op, chunk.type),
            tuple(truth[chunk.ref_start_idx : chunk.ref_end_idx]),
            tuple(guess[chunk.hyp_start_idx : chunk.hyp_end_idx]),
        )
        for chunk in output.alignments[0]
    ]


def _edits(alignments: Sequence[Sequence[AlignmentChunk]]) -> NDArray[np.int64]:
    return np.array([sum(map(_cost, chunks)) for chunks in alignments], dtype=np.int64)


def _cost(chunk: AlignmentChunk) -> int:
    if chunk.type == "equal":
        return 0
    # A substitution is as long on both sides; a deletion is empty in the hypothesis, an insertion in the reference.
    return max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)


def _lengths(sequences: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    return np.array([len(sequence) for sequence in sequences], dtype=np.int64)
