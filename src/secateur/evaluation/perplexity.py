r"""How well a language model predicts sentences.

.. math:: ppl = \exp \Big( \frac{1}{N} \sum_i - \ln p(sentence_i) \Big)

with N the number of tokens, or of words, so that models of different tokens can be compared. The end of a sentence is
predicted too and counts as a token and as a word; its beginning is given. A sentence's own sum stays, so that intervals
and tests can resample sentences.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from secateur.counted import counted
from secateur.data import as_tokens, collate_text
from secateur.data.batches import IGNORED_LABEL
from secateur.errors import DataError, ModelError
from secateur.evaluation.inputs import longest_input

BATCH_TOKENS = 4096
"""Tokens that are read at once, padding included."""


@final
@dataclass(frozen=True)
class Surprise:
    """What sentences cost a language model, one entry per sentence."""

    nats: NDArray[np.float64]
    """-ln p(sentence), its end included."""

    end_nats: NDArray[np.float64]
    """-ln p(end | sentence), the last of the summands."""

    tokens: NDArray[np.int64]
    words: NDArray[np.int64]
    unknown: int
    """Tokens that stand for any unknown word: what is said of them says little."""

    @property
    def per_token(self) -> float:
        """Perplexity per token."""
        return float(np.exp(self.nats.sum() / self.tokens.sum()))

    @property
    def per_word(self) -> float:
        """Perplexity per word."""
        return float(np.exp(self.nats.sum() / self.words.sum()))


@torch.no_grad()
def surprise(
    model: Any,
    tokenizer: Any,
    sentences: Sequence[str],
    *,
    batch_tokens: int = BATCH_TOKENS,
    slide: bool = False,
    bar: str | None = None,
) -> Surprise:
    """Measure how much each sentence surprises `model`; the model is put in eval mode. A `bar` says what is done.

    A sentence is read as ``<bos> tokens <eos>`` by itself, without those before it (`secateur.data.as_tokens`). With
    `slide` it may be longer than the model reads: a token beyond is predicted from the longest context before it.

    Raises:
        DataError: There is no sentence, or one is longer than the model reads and `slide` is off.
        ModelError: The tokenizer has no end of sentence, or a sentence has a token that the model does not know.
    """
    if not sentences:
        raise DataError("`sentences` must hold at least one, but is empty")
    rows = as_tokens(tokenizer, sentences) if slide else check_sentences(model, tokenizer, sentences)
    if max(map(max, rows)) >= _tokens(model):
        check_vocabulary(model, tokenizer)  # which takes too long for every call
    model.eval()
    nats, end_nats = _sliding(model, rows, batch_tokens, bar)
    return Surprise(
        nats=nats,
        end_nats=end_nats,
        tokens=np.array([len(row) - 1 for row in rows]),
        words=np.array([len(sentence.split()) + 1 for sentence in sentences]),
        unknown=sum(_unknown(tokenizer, row) for row in rows),
    )


def check_vocabulary(model: Any, tokenizer: Any) -> None:
    """Make sure that the model knows the tokens.

    Raises:
        ModelError: The tokenizer numbers some as the model does not.
    """
    known = _tokens(model)
    token, number = max(tokenizer.get_vocab().items(), key=lambda one: one[1])
    if number >= known:
        raise ModelError(
            f"the tokenizer's tokens must be among the model's {known}, 0 to {known - 1}, but {token!r} is {number}; "
            f"take the tokenizer that the model was trained with"
        )


def check_sentences(model: Any, tokenizer: Any, sentences: Sequence[str]) -> list[Sequence[int]]:
    """Return sentences as tokens, none longer than the model reads.

    Raises:
        DataError: One is longer.
        ModelError: The tokenizer has no end of sentence.
    """
    rows = as_tokens(tokenizer, sentences)
    longest, most = max(range(len(rows)), key=lambda i: len(rows[i])), longest_input(model)
    if len(rows[longest]) > most:
        raise DataError(
            f"sentences must have at most the {most} tokens that the model reads, but one has {len(rows[longest])} "
            f"({sentences[longest][:40]!r} ...); break it"
        )
    return rows


def _tokens(model: Any) -> int:
    return int(model.get_input_embeddings().num_embeddings)


def _sliding(
    model: Any, rows: Sequence[Sequence[int]], batch_tokens: int, bar: str | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return -ln p of every row, however long, and, of that, what its end costs."""
    windows = [_windows(row, longest_input(model)) for row in rows]
    flat, ends = [window for some in windows for window in some], np.cumsum([len(some) for some in windows])
    nats, end_nats = np.zeros(len(flat)), np.zeros(len(flat))
    batches = list(_batches([len(window) for window in flat], batch_tokens))
    for indices in batches if bar is None else counted(batches, bar, total=len(batches)):
        nats[indices], end_nats[indices] = _nats(model, [flat[i] for i in indices])
    starts = np.concatenate([[0], ends[:-1]])
    beyond = np.setdiff1d(np.arange(len(flat)), starts)
    nats[beyond] = end_nats[beyond]  # the windows before have counted the rest of these
    return np.add.reduceat(nats, starts), end_nats[ends - 1]


def _windows(row: Sequence[int], most: float) -> list[Sequence[int]]:
    """Return a row as far as the model reads, then for every token beyond those before it and itself."""
    width = int(min(most, len(row)))
    return [row[start : start + width] for start in range(len(row) - width + 1)]


def _batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Yield indices of sentences of about the same length, as many as fit."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batch and (len(batch) + 1) * lengths[index] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    yield batch


def _nats(model: Any, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return -ln p of every row and, of that, what its end costs."""
    batch = {name: tensor.to(model.device) for name, tensor in collate_text(rows).items()}
    labels = batch.pop("labels")[:, 1:]
    logits: Tensor = model(**batch, use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].transpose(1, 2).float(), labels, reduction="none", ignore_index=IGNORED_LABEL
    ).double()
    ends = losses[torch.arange(len(rows)), [len(row) - 2 for row in rows]]
    return losses.sum(1).cpu().numpy(), ends.cpu().numpy()


def _unknown(tokenizer: Any, row: Sequence[int]) -> int:
    token = tokenizer.unk_token_id
    if token is None or token in (tokenizer.eos_token_id, tokenizer.bos_token_id):
        return 0
    return sum(one == token for one in row)
