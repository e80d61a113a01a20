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

from secateur.errors import DataError, ModelError

BATCH_TOKENS = 4096
"""Tokens that are read at once, padding included."""

IGNORED = -100
"""The label that counts for nothing."""


@final
@dataclass(frozen=True)
class Surprise:
    """What sentences cost a language model, one entry per sentence."""

    nats: NDArray[np.float64]
    """-ln p(sentence), its end included."""

    tokens: NDArray[np.int64]
    words: NDArray[np.int64]
    unknown: int
    """Words with a token that stands for any unknown one: what is said of them says little."""

    @property
    def per_token(self) -> float:
        """Perplexity per token."""
        return float(np.exp(self.nats.sum() / self.tokens.sum()))

    @property
    def per_word(self) -> float:
        """Perplexity per word."""
        return float(np.exp(self.nats.sum() / self.words.sum()))


@torch.inference_mode()
def surprise(model: Any, tokenizer: Any, sentences: Sequence[str], *, batch_tokens: int = BATCH_TOKENS) -> Surprise:
    """Measure how much each sentence surprises `model`; the model is put in eval mode.

    A sentence is read as ``<bos> tokens <eos>`` by itself, without those before it. Where a tokenizer has no beginning
    of its own, the end stands for it, as in GPT-2.

    Raises:
        DataError: There is no sentence, or one is longer than the model reads.
        ModelError: The tokenizer has no end of sentence, or more tokens than the model.
    """
    if not sentences:
        raise DataError("`sentences` must hold at least one, but is empty")
    begin, end = _ends(tokenizer)
    rows = [[begin, *tokens, end] for tokens in tokenizer(list(sentences), add_special_tokens=False)["input_ids"]]
    _check(model, tokenizer, rows, sentences)
    nats = np.zeros(len(rows))
    model.eval()
    for indices in _batches([len(row) for row in rows], batch_tokens):
        nats[indices] = _nats(model, [rows[i] for i in indices], pad=end)
    return Surprise(
        nats=nats,
        tokens=np.array([len(row) - 1 for row in rows]),
        words=np.array([len(sentence.split()) + 1 for sentence in sentences]),
        unknown=sum(_unknown(tokenizer, row) for row in rows),
    )


def _ends(tokenizer: Any) -> tuple[int, int]:
    """Return the tokens that a sentence begins and ends with."""
    end = tokenizer.eos_token_id
    if end is None:
        raise ModelError(
            f"the tokenizer must have an end of sentence (`eos_token`) to be predicted, but {type(tokenizer).__name__} "
            f"has none; set it, or take the tokenizer that the model was trained with"
        )
    begin = tokenizer.bos_token_id
    return (end if begin is None else begin), end


def _check(model: Any, tokenizer: Any, rows: Sequence[Sequence[int]], sentences: Sequence[str]) -> None:
    known = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > known:
        raise ModelError(
            f"the tokenizer must have at most the model's {known} tokens, but has {len(tokenizer)}; take the one that "
            f"the model was trained with"
        )
    longest = max(range(len(rows)), key=lambda i: len(rows[i]))
    most = getattr(model.config, "max_position_embeddings", None)
    if most is not None and len(rows[longest]) > most:
        raise DataError(
            f"sentences must have at most the {most} tokens that the model reads, but one has {len(rows[longest])} "
            f"({sentences[longest][:40]!r} ...); break it"
        )


def _batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Yield indices of sentences of about the same length, as many as fit."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batch and (len(batch) + 1) * lengths[index] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    yield batch


def _nats(model: Any, rows: Sequence[Sequence[int]], *, pad: int) -> NDArray[np.float64]:
    lengths = torch.tensor([len(row) for row in rows], device=model.device)
    width = int(lengths.max())
    tokens = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=model.device)
    mask = torch.arange(width, device=model.device) < lengths[:, None]
    logits: Tensor = model(input_ids=tokens, attention_mask=mask.long(), use_cache=False).logits
    labels = tokens.masked_fill(~mask, IGNORED)[:, 1:]
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].transpose(1, 2).float(), labels, reduction="none", ignore_index=IGNORED
    )
    return losses.double().sum(1).cpu().numpy()


def _unknown(tokenizer: Any, row: Sequence[int]) -> int:
    token = tokenizer.unk_token_id
    if token is None or token in (tokenizer.eos_token_id, tokenizer.bos_token_id):
        return 0
    return sum(one == token for one in row)
