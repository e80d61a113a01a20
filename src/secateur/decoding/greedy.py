"""Greedy CTC decoding: the best token of every frame, repeats merged, blanks dropped."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from secateur.data.batches import DurationBatches, Example, collate
from secateur.data.features import Features

BATCH_FRAMES = 6000
"""Feature frames decoded at once: a minute of speech."""


def transcribe(model: nn.Module, processor: Any, features: Features | Sequence[npt.NDArray[np.float32]]) -> list[str]:
    """Transcribe utterances given as features (T, M); the texts come in the order of the features.

    The model is put into eval mode and left there.
    """
    model.eval()
    lengths = np.array([len(features[i]) for i in range(len(features))], dtype=np.float64)
    texts = [""] * len(lengths)
    device = next(model.parameters()).device
    input_name = str(getattr(model, "main_input_name", "input_features"))
    for draws in DurationBatches(lengths, BATCH_FRAMES, shuffle=False):
        indices = [index for _, index in draws]
        batch = collate([Example(features[i], ()) for i in indices], input_name=input_name)
        with torch.inference_mode():
            tokens = frame_tokens(model, batch[input_name].to(device), batch["attention_mask"].to(device))
        for index, text in zip(indices, processor.batch_decode(tokens), strict=True):
            texts[index] = text.strip()
    return texts


def frame_tokens(model: Any, features: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Return the best token of each frame, shape (B, T'); padded frames hold the blank (padding) token."""
    logits = model(features, attention_mask=attention_mask).logits
    frames = model._get_subsampling_output_length(attention_mask.sum(-1))
    inside = torch.arange(logits.shape[1], device=logits.device) < frames[:, None]
    return logits.argmax(-1).masked_fill(~inside, model.config.pad_token_id)
