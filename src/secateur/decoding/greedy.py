"""Greedy CTC decoding: the best token of every frame, repeats merged, blanks dropped."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from secateur.decoding.frames import Heard, frames
from secateur.decoding.nbest import Decode, Decoder, NBest
from secateur.decoding.spelling import tidy


def transcribe(model: Any, processor: Any, features: Heard) -> list[str]:
    """Transcribe utterances given as features (T, M) or samples (T,); the texts come in the order given.

    What is too short for a single frame is silent. The model is put into eval mode and left there.
    """
    texts = [""] * len(features)
    for batch in frames(model, features):
        tokens = best_tokens(batch.logits, batch.inside, blank=model.config.pad_token_id)
        for index, text in zip(batch.indices, processor.batch_decode(tokens), strict=True):
            texts[index] = text.strip()
    return texts


def best_tokens(logits: torch.Tensor, inside: torch.Tensor, *, blank: int) -> torch.Tensor:
    """Return the best token of each frame, shape (B, T'); padded frames hold the blank (padding) token."""
    return logits.argmax(-1).masked_fill(~inside, blank)


def best_path(decode: Decode) -> Decoder:
    """Return the same as a decoder of frames; the score is of the one path."""

    def best(log_probs: NDArray[np.float32]) -> NBest:
        [text] = decode([log_probs.argmax(1).tolist()])
        return NBest((tidy(text),), log_probs.max(1).sum(keepdims=True, dtype=np.float64))

    return best
