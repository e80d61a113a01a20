"""Language models that recognizers are decoded with: Transformers, n-grams, and text to make an n-gram of."""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np

from secateur.data import read_lines
from secateur.decoding import Scored, Scorer
from secateur.errors import DataError, ModelError
from secateur.evaluation import (
    NORMALIZER_NAME,
    check_vocabulary,
    longest_input,
    normalize,
    on_accelerator,
    surprise,
)
from secateur.tasks.models import load_language_model, load_tokenizer

NGRAM_FILES = (".arpa", ".arpa.gz")
TEXT_FILES = (".txt", ".txt.gz")

logger = logging.getLogger(__name__)


@final
@dataclass(frozen=True, eq=False)
class Language:
    """A language model: what it says of texts once they are normalized, and what it can write."""

    name: str
    scorer: Scorer
    characters: frozenset[str]
    """Letters, digits and apostrophes that it knows."""

    faster: Callable[[], AbstractContextManager[None]] = nullcontext
    """Within it, it scores on the accelerator, where there is one and it can."""


def load_language(name: str) -> Language:
    """Load a language model by folder or Hub id, an n-gram from a file, or estimate one from a text.

    Raises:
        ModelError, DataError: It cannot be loaded.
        MissingExtraError: An n-gram needs the extra ``decoding``.
    """
    if name.endswith((*NGRAM_FILES, *TEXT_FILES)):
        return _ngram(name)
    model, tokenizer = load_language_model(name), load_tokenizer(name)
    try:
        check_vocabulary(model, tokenizer)
    except ModelError as error:
        raise ModelError(f"`{name}` cannot be read with: {error}") from None
    score = _normalized(_transformer(name, model, tokenizer))
    score([""])  # a tokenizer without an end of sentence is said now, not after an hour of search
    return Language(name, score, characters(written_alone_or_together(tokenizer)), partial(on_accelerator, model))


def _ngram(name: str) -> Language:
    from secateur.decoding.ngram import Ngram, estimate

    ngram = Ngram(Path(name)) if name.endswith(NGRAM_FILES) else estimate(_words(name))
    return Language(name, _normalized(ngram), characters(ngram.vocabulary))


def _words(name: str) -> list[str]:
    """Read a text as an n-gram is made of it."""
    lines = [line for line in map(normalize, read_lines(name)) if line]
    if not lines:
        raise DataError(
            f"text `{name}` must hold words to make an n-gram of, but none is left once they are normalized "
            f"({NORMALIZER_NAME}); take another text"
        )
    return lines


def _transformer(name: str, model: Any, tokenizer: Any) -> Scorer:
    most, warned = longest_input(model), False

    def score(texts: Sequence[str]) -> Scored:
        nonlocal warned
        found = surprise(model, tokenizer, texts, slide=True)
        if not np.isfinite(found.nats).all():
            raise ModelError(
                f"`{name}` must give texts a probability, but what it gives is no finite number; is the model whole?"
            )
        longest = int(found.tokens.max()) + 1  # with the beginning, which is given
        if longest > most and not warned:
            warned = True
            logger.warning(
                "`%s` reads %d tokens, but a text has %d: those beyond are predicted from the last %d (said once)",
                name,
                most,
                longest,
                most - 1,
            )
        return Scored(found.end_nats - found.nats, -found.nats, found.words - 1)

    return score


def _normalized(scorer: Scorer) -> Scorer:
    return lambda texts: scorer([normalize(text) for text in texts])


def characters(texts: Iterable[str]) -> frozenset[str]:
    """Return the letters, digits and apostrophes in texts, which is what words are spelled with.

    >>> sorted(characters(["it's", "▁5-"]))
    ["'", '5', 'i', 's', 't']
    """
    return frozenset(character for text in texts for character in text if character.isalnum() or character == "'")


def written_alone_or_together(tokenizer: Any) -> list[str]:
    """Return what a tokenizer's tokens write; where some write several characters, only these.

    A tokenizer over bytes has every single letter whatever it was made from. What it has in pairs, it has seen.
    """
    known = sorted(set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids))
    texts = [text.strip() for text in tokenizer.batch_decode([[i] for i in known])]
    return [text for text in texts if len(text) > 1] or texts
