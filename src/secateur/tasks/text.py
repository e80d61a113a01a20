"""Language models, and a recipe's text as they read it."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from secateur.data import TextDataset, as_tokens, collate_text, read_lines
from secateur.errors import DataError, WorkError
from secateur.evaluation import check_sentences, check_vocabulary, longest_input
from secateur.recipes import Recipe, TextArchitecture
from secateur.tasks.models import load_language_model, load_tokenizer
from secateur.tasks.surprised import Surprised, TextSet, read_aloud, write_surprise
from secateur.tasks.task import Sets, Task, Training
from secateur.training import byte_pair_tokenizer, causal_lm

logger = logging.getLogger(__name__)

SURE_OF_NOTHING = 2.0
"""Perplexity over the number of tokens, that of a model that finds all alike, from which on one must be told."""


@final
class TextTask(Task[TextSet, Surprised]):
    """Language models: trained on sentences, each by itself, judged by how much others surprise them."""

    metric = "perplexity"

    def load(self, name: str) -> Any:
        """Load a language model of a known family."""
        return load_language_model(name)

    def load_processor(self, name: str) -> Any:
        """Load its tokenizer."""
        return load_tokenizer(name)

    def start(self, recipe: Recipe) -> tuple[Any, Any]:
        """Learn a tokenizer from the training text, and make a model over it."""
        assert isinstance(recipe.architecture, TextArchitecture)
        lines = _lines(recipe.data.sets("train")["train"])
        tokenizer = byte_pair_tokenizer(lines, vocabulary=recipe.architecture.vocabulary)
        return causal_lm(tokenizer, **recipe.architecture.model_dump(exclude={"vocabulary"})), tokenizer

    def training(self, recipe: Recipe, model: Any, processor: Any, *, plain: bool = False) -> Training:
        """Read sentences; those that are too long are left out, counted, and said.

        Raises:
            DataError: A file is wrong, or all sentences are too long.
            ModelError: The tokenizer is not the model's, or has no end of sentence.
        """
        check_vocabulary(model, processor)
        rows = as_tokens(processor, _lines(recipe.data.sets("train")["train"]))
        most = min(recipe.max_tokens, longest_input(model))
        short = [row for row in rows if len(row) <= most]
        if not short:
            raise DataError(
                f"`data.train` must hold sentences of at most {most} tokens, but all {len(rows)} are longer; break "
                f"them, or raise `max_tokens` as far as the model reads"
            )
        if len(short) < len(rows):
            logger.warning(
                "%d of %d sentences are longer than %d tokens and are skipped", len(rows) - len(short), len(rows), most
            )
        sizes = np.array([len(row) for row in short], dtype=np.float64)
        return Training(TextDataset(short), sizes, recipe.batch_tokens, collate_text)

    def read(self, sets: Sets, model: Any, processor: Any) -> Sequence[TextSet]:
        """Read the sentences of every set."""
        return [
            TextSet(name, tuple(line for path in paths for line in _readable(model, processor, path)))
            for name, paths in sets.items()
        ]

    def judge(self, model: Any, processor: Any, sets: Sequence[TextSet]) -> Surprised:
        """Read every sentence.

        Raises:
            WorkError: What one costs is not a number.
        """
        found = read_aloud(model, processor, sets)
        _check_numbers(found)
        _warn_of_chance(found, tokens=model.get_input_embeddings().num_embeddings)
        return found

    def validate(self, model: Any, processor: Any, sets: Sequence[TextSet]) -> Mapping[str, float]:
        """Return each set's perplexity per word, and their mean."""
        found = {f"perplexity_{name}": s.per_word for name, s in read_aloud(model, processor, sets).sets.items()}
        return {**found, "perplexity": sum(found.values()) / len(found)}

    def record(self, path: Path, sets: Sequence[TextSet], judged: Mapping[str, Surprised]) -> None:
        """Write what each sentence cost."""
        write_surprise(path, sets, judged)


LARGEST = float(np.log(np.finfo(np.float64).max))
"""Nats a word of whose perplexity is a number just yet."""


def _check_numbers(found: Surprised) -> None:
    """Make sure that no report says nothing, or what is no JSON, of a model that predicts nothing."""
    for name, one in found.sets.items():
        wrong = int((~np.isfinite(one.nats)).sum())
        if not wrong and one.nats.sum() > LARGEST * one.words.sum():
            raise WorkError(
                f"the perplexity on `{name}` must be a finite number, but is too large for one; is the model whole? If "
                f"it has just been trained, lower `train.learning_rate`"
            )
        if wrong:
            raise WorkError(
                f"the perplexity on `{name}` must be a finite number, but is none for {wrong} of {len(one.nats)} "
                f"sentences; is the model whole? If it has just been trained, lower `train.learning_rate`"
            )


def _warn_of_chance(found: Surprised, *, tokens: int) -> None:
    """Say so where a model predicts worse than one that knows nothing, as it does with another model's tokenizer."""
    for name, one in found.sets.items():
        if one.per_token > SURE_OF_NOTHING * tokens:
            logger.warning(
                "perplexity per token is %.4g on `%s`, far above %d, that of guessing; is the tokenizer its own?",
                one.per_token,
                name,
                tokens,
            )


def _readable(model: Any, processor: Any, path: str) -> list[str]:
    """Read the sentences of a file, all of them such that the model reads them to the end."""
    lines = read_lines(path)
    check_vocabulary(model, processor)
    try:
        check_sentences(model, processor, lines)
    except DataError as error:
        raise DataError(f"text `{path}` cannot be measured: {error}") from None
    return lines


def _lines(paths: Sequence[str]) -> list[str]:
    return [line for path in paths for line in read_lines(path)]
