"""What recognizers make of speech with and without language models, from one hearing."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from secateur.decoding import (
    Decoder,
    NBest,
    Rescored,
    Weights,
    best_path,
    decode,
    pieces,
    score_lists,
    tune,
)
from secateur.decoding.beam import Beam
from secateur.decoding.fusion import FusedBeam, Words
from secateur.decoding.search import Utterances
from secateur.errors import ModelError
from secateur.evaluation import on_accelerator, threads_limited_to, word_edits
from secateur.families import is_transducer
from secateur.tasks.heard import Heard, SpeechSet, heard
from secateur.tasks.language import Language

Watched = Callable[[Utterances], Utterances]
"""Utterances -> the same, counted as they come."""


@final
@dataclass(frozen=True, eq=False)
class Recognizer:
    """A CTC model, and how its frames become text."""

    name: str
    model: Any
    processor: Any
    pieces: tuple[str, ...]
    nbest: int
    """How many hypotheses its searches keep."""

    @property
    def blank(self) -> int:
        """The token of frames that write nothing."""
        return int(self.model.config.pad_token_id)

    def text(self, paths: Sequence[Sequence[int]]) -> list[str]:
        """Return what paths write, a token per frame."""
        return self.processor.batch_decode(paths)

    def greedy(self) -> Decoder:
        """Return the decoder by best tokens."""
        return best_path(self.text)

    def beam(self) -> Decoder:
        """Return the search without a language model."""
        return Beam(self.text, blank=self.blank, size=self.nbest)

    def fused(self, language: Language, weights: Weights) -> Decoder:
        """Return the search with one."""
        words = Words(language.scorer, weights)
        return FusedBeam(self.text, words, pieces=self.pieces, blank=self.blank, size=self.nbest)


def recognizer(name: str, model: Any, processor: Any, *, nbest: int) -> Recognizer:
    """Make sure that a tokenizer fits its model.

    Raises:
        ModelError: It does not, or the model says nothing of single frames.
    """
    if is_transducer(model):
        raise ModelError(
            f"`model` must be a CTC model to be decoded by beam search or with language models, but `{name}` is a "
            f"{type(model).__name__}, which is decoded greedily"
        )
    written = pieces(processor.tokenizer, outputs=model.config.vocab_size, blank=model.config.pad_token_id)
    return Recognizer(name, model, processor, written, nbest)


@final
@dataclass(frozen=True)
class Tuned:
    """How much a language model counts, and how long it took to find out."""

    weights: Weights
    seconds_per_hypothesis: float | None = None


@final
@dataclass(frozen=True, eq=False)
class Searched:
    """What a recognizer found in a set, per utterance."""

    s: SpeechSet
    greedy: list[NBest]
    beam: list[NBest]
    edits: list[NDArray[np.int64]]
    """How many words each text of the beam gets wrong."""

    fused: list[list[NBest]]
    """What each language model found that took part in the search."""


def search(
    hearer: Recognizer, s: SpeechSet, *, fused: Sequence[tuple[Language, Tuned]] = (), watched: Watched
) -> Searched:
    """Hear a set once, and find what may have been said, without a language model and with each of `fused`."""
    decoders = [hearer.greedy(), hearer.beam(), *(hearer.fused(language, known.weights) for language, known in fused)]
    with ExitStack() as stack:
        stack.enter_context(on_accelerator(hearer.model))
        for language, _ in fused:
            stack.enter_context(language.faster())
        greedy, beam, *others = decode(hearer.model, s.features, decoders, watched=watched)
    return Searched(s, greedy, beam, edits_of(s, beam), others)


def tuned(found: Searched, languages: Sequence[Language]) -> list[Tuned]:
    """Return for each language model the weights whose rescoring gets the fewest words of a set wrong."""
    rescored = _rescored(found.beam, languages)
    return [Tuned(tune(one.candidates, found.edits), one.seconds_per_hypothesis) for one in rescored]


def _rescored(lists: Sequence[NBest], languages: Sequence[Language]) -> list[Rescored]:
    with threads_limited_to(1):
        return score_lists(lists, languages)


def edits_of(s: SpeechSet, lists: Sequence[NBest]) -> list[NDArray[np.int64]]:
    """Return, per utterance, how many words each text of its list gets wrong."""
    pairs = [(utterance.text, text) for utterance, one in zip(s.utterances, lists, strict=True) for text in one.texts]
    references, hypotheses = zip(*pairs, strict=True)
    return np.split(word_edits(references, hypotheses), np.cumsum([len(one.texts) for one in lists])[:-1])


@final
@dataclass(frozen=True)
class WithLanguage:
    """What was heard with one language model."""

    language: Language
    tuned: Tuned
    heard: Heard


@final
@dataclass(frozen=True)
class Decoded:
    """What was heard, in every way that was asked for."""

    greedy: Heard
    beam: Heard
    oracle: Heard
    """Of the beam's lists without a language model, the texts with the fewest errors."""

    languages: tuple[WithLanguage, ...]


def decoded(found: Sequence[Searched], languages: Sequence[tuple[Language, Tuned]]) -> Decoded:
    """Judge what was found, and what each language model makes of it: those that took no part in the search rescore."""
    sets = [one.s for one in found]
    rows = _fused(found, languages) if any(one.fused for one in found) else _rescoring(found, languages)
    return Decoded(
        heard(sets, {one.s.name: _best(one.greedy) for one in found}),
        heard(sets, {one.s.name: _best(one.beam) for one in found}),
        heard(sets, {one.s.name: _oracle(one) for one in found}),
        tuple(rows),
    )


def _fused(found: Sequence[Searched], languages: Sequence[tuple[Language, Tuned]]) -> list[WithLanguage]:
    sets = [one.s for one in found]
    return [
        WithLanguage(language, known, heard(sets, {one.s.name: _best(one.fused[place]) for one in found}))
        for place, (language, known) in enumerate(languages)
    ]


def _rescoring(found: Sequence[Searched], languages: Sequence[tuple[Language, Tuned]]) -> list[WithLanguage]:
    rescored = _rescored([lists for one in found for lists in one.beam], [language for language, _ in languages])
    sets = [one.s for one in found]
    return [_with_language(sets, *one, scored) for one, scored in zip(languages, rescored, strict=True)]


def _with_language(sets: Sequence[SpeechSet], language: Language, known: Tuned, rescored: Rescored) -> WithLanguage:
    chosen = iter([one.best(known.weights) for one in rescored.candidates])
    hypotheses = {s.name: [next(chosen) for _ in s.utterances] for s in sets}
    return WithLanguage(language, Tuned(known.weights, rescored.seconds_per_hypothesis), heard(sets, hypotheses))


def _best(lists: Sequence[NBest]) -> list[str]:
    return [one.texts[0] for one in lists]


def _oracle(found: Searched) -> list[str]:
    return [one.texts[int(np.argmin(edits))] for one, edits in zip(found.beam, found.edits, strict=True)]
