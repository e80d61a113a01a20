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


def tuned(hearer: Recognizer, s: SpeechSet, languages: Sequence[Language], *, watched: Watched) -> list[Tuned]:
    """Return for each language model the weights whose rescoring gets the fewest words of a set wrong."""
    with on_accelerator(hearer.model):
        [lists] = decode(hearer.model, s.features, [hearer.beam()], watched=watched)
    edits = edits_of(s, lists)
    found = _rescored(lists, languages)
    return [Tuned(tune(one.candidates, edits), one.seconds_per_hypothesis) for one in found]


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


def decoded(
    hearer: Recognizer,
    sets: Sequence[SpeechSet],
    languages: Sequence[tuple[Language, Tuned]],
    *,
    fuse: bool,
    watched: Watched,
) -> Decoded:
    """Decode sets in every way; `fuse` lets language models search, else they rescore what was found without them."""
    fused = [hearer.fused(language, found.weights) for language, found in languages if fuse]
    decoders = [hearer.greedy(), hearer.beam(), *fused]
    with ExitStack() as stack:
        stack.enter_context(on_accelerator(hearer.model))
        for language, _ in languages if fuse else ():
            stack.enter_context(language.faster())
        lists = {s.name: decode(hearer.model, s.features, decoders, watched=watched) for s in sets}
    greedy, beam, *with_language = (
        heard(sets, {name: _best(found[place]) for name, found in lists.items()}) for place in range(len(decoders))
    )
    if fuse:
        rows = [
            WithLanguage(language, found, what)
            for (language, found), what in zip(languages, with_language, strict=True)
        ]
    else:
        rows = _with_languages(sets, {name: found[1] for name, found in lists.items()}, languages)
    oracle = heard(sets, {s.name: _oracle(s, lists[s.name][1]) for s in sets})
    return Decoded(greedy, beam, oracle, tuple(rows))


def _with_languages(
    sets: Sequence[SpeechSet], lists: dict[str, list[NBest]], languages: Sequence[tuple[Language, Tuned]]
) -> list[WithLanguage]:
    every = [one for s in sets for one in lists[s.name]]
    rescored = _rescored(every, [language for language, _ in languages])
    return [_with_language(sets, *one, found) for one, found in zip(languages, rescored, strict=True)]


def _with_language(sets: Sequence[SpeechSet], language: Language, known: Tuned, rescored: Rescored) -> WithLanguage:
    chosen = iter([one.best(known.weights) for one in rescored.candidates])
    hypotheses = {s.name: [next(chosen) for _ in s.utterances] for s in sets}
    return WithLanguage(language, Tuned(known.weights, rescored.seconds_per_hypothesis), heard(sets, hypotheses))


def _best(lists: Sequence[NBest]) -> list[str]:
    return [one.texts[0] for one in lists]


def _oracle(s: SpeechSet, lists: Sequence[NBest]) -> list[str]:
    return [one.texts[int(np.argmin(edits))] for one, edits in zip(lists, edits_of(s, lists), strict=True)]
