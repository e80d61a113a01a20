"""Greedy decoding: the best token of every frame, with CTC repeats merged; blanks dropped."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from secateur.counted import counted
from secateur.decoding.frames import Heard, frames, padded
from secateur.decoding.nbest import Decode, Decoder, NBest
from secateur.decoding.spelling import tidy
from secateur.families import hearing_of, is_transducer


def transcribe(model: Any, processor: Any, features: Heard) -> list[str]:
    """Transcribe utterances given as features (T, M) or samples (T,); the texts come in the order given.

    What is too short for a single frame is silent. The model is put into eval mode and left there.
    """
    texts = [""] * len(features)
    batches = (_transduced if is_transducer(model) else _aligned)(model, processor, features)
    found = chain.from_iterable(zip(*batch, strict=True) for batch in batches)
    for index, text in counted(found, "transcribing", total=len(features)):
        texts[index] = text.strip()
    return texts


def _aligned(model: Any, processor: Any, features: Heard) -> Iterator[tuple[Sequence[int], Sequence[str]]]:
    for batch in frames(model, features):
        tokens = best_tokens(batch.logits, batch.inside, blank=model.config.pad_token_id)
        yield batch.indices, processor.batch_decode(tokens)


def _transduced(model: Any, processor: Any, features: Heard) -> Iterator[tuple[Sequence[int], Sequence[str]]]:
    """Write with a transducer, whose `generate` is greedy: at most `max_symbols_per_step` tokens a frame.

    It goes on until the longest utterance of a batch has ended; what the others write beyond their end is dropped.
    Outputs for durations lie behind those for tokens, and must not be taken for some.
    """
    config, count = model.config, hearing_of(model).frames
    for indices, inputs, mask in padded(model, features):
        frames = count(model, mask.sum(-1))
        with torch.no_grad():
            found = model.generate(
                inputs,
                attention_mask=mask,
                decoder_start_token_id=config.blank_token_id,
                max_new_tokens=config.max_symbols_per_step * int(frames.max()),
                suppress_tokens=[config.vocab_size + i for i in range(len(getattr(config, "durations", ())))] or None,
            )
        written, where = found.sequences, found.durations.cumsum(1) - found.durations
        said = (written != config.blank_token_id) & (written != config.pad_token_id) & (where < frames[:, None])
        lines = [row[kept] for row, kept in zip(written, said, strict=True)]
        yield indices, processor.batch_decode(lines, group_tokens=False)


def best_tokens(logits: torch.Tensor, inside: torch.Tensor, *, blank: int) -> torch.Tensor:
    """Return the best token of each frame, shape (B, T'); padded frames hold the blank (padding) token."""
    return logits.argmax(-1).masked_fill(~inside, blank)


def best_path(decode: Decode) -> Decoder:
    """Return the same as a decoder of frames; the score is of the one path."""

    def best(log_probs: NDArray[np.float32]) -> NBest:
        [text] = decode([log_probs.argmax(1).tolist()])
        return NBest((tidy(text),), log_probs.max(1).sum(keepdims=True, dtype=np.float64))

    return best
