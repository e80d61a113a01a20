"""Greedy CTC decoding: the best token of every frame, repeats merged, blanks dropped."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from secateur.data.batches import EvenBatches, Example, collate
from secateur.data.features import Features
from secateur.families import hearing_of

BATCH_SECONDS = 60.0
"""Speech decoded at once."""


def transcribe(model: nn.Module, processor: Any, features: Features | Sequence[npt.NDArray[np.float32]]) -> list[str]:
    """Transcribe utterances given as features (T, M) or samples (T,); the texts come in the order given.

    Models whose convolutions see padding hear one utterance at a time, since their text would hang on its batch. What
    is too short for a single frame is silent. The model is put into eval mode and left there.
    """
    model.eval()
    hearing = hearing_of(model)
    lengths = torch.tensor([len(features[i]) for i in range(len(features))])
    heard = (hearing.frames(model, lengths) > 0).nonzero().flatten().numpy()
    texts = [""] * len(lengths)
    device = next(model.parameters()).device
    input_name = str(getattr(model, "main_input_name", "input_features"))
    together = hearing.masks_padding(model)
    for indices in _batches(heard, lengths.numpy()[heard], together * BATCH_SECONDS * hearing.per_second):
        batch = collate([Example(features[i], ()) for i in indices], input_name=input_name)
        with torch.inference_mode():
            tokens = frame_tokens(model, batch[input_name].to(device), batch["attention_mask"].to(device))
        for index, text in zip(indices, processor.batch_decode(tokens), strict=True):
            texts[index] = text.strip()
    return texts


def _batches(indices: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], rows: float) -> Iterator[list[int]]:
    """Cut utterances into batches of about so many rows of input, alike in length; 0 means one by one."""
    if not rows:
        yield from ([int(index)] for index in indices)
    elif len(indices):
        for draws in EvenBatches(lengths.astype(np.float64), rows, shuffle=False):
            yield [int(indices[place]) for _, place in draws]


def frame_tokens(model: Any, features: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Return the best token of each frame, shape (B, T'); padded frames hold the blank (padding) token."""
    logits = model(features, attention_mask=attention_mask).logits
    frames = hearing_of(model).frames(model, attention_mask.sum(-1))
    inside = torch.arange(logits.shape[1], device=logits.device) < frames[:, None]
    return logits.argmax(-1).masked_fill(~inside, model.config.pad_token_id)
