"""What a recognizer hears, and what a CTC model says of its frames, batch by batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from secateur.data.batches import EvenBatches, Example, collate
from secateur.data.features import Features
from secateur.errors import ModelError
from secateur.families import hearing_of

BATCH_SECONDS = 60.0
"""Speech heard at once."""

Heard = Features | Sequence[npt.NDArray[np.float32]]
"""Utterances as features (T, M), or as samples (T,)."""


@final
@dataclass(frozen=True)
class Frames:
    """What a model said of some utterances."""

    indices: tuple[int, ...]
    """Which utterances these are."""

    logits: Tensor
    """Shape (B, T', V)."""

    inside: Tensor
    """Which frames are not padding, bool (B, T')."""


def frames(model: Any, features: Heard) -> Iterator[Frames]:
    """Hear utterances in batches of about the same length; the model is put into eval mode and left there.

    What is too short for a single frame is in no batch. Models whose convolutions see padding hear one utterance at a
    time, since what they say would hang on the batch.
    """
    for indices, inputs, mask in padded(model, features):
        with torch.no_grad():
            said = hear(model, inputs, mask)
        yield Frames(indices, *said)


def padded(model: Any, features: Heard) -> Iterator[tuple[tuple[int, ...], Tensor, Tensor]]:
    """Give batches on the model's device: which utterances, their input and their mask; the rest is as in `frames`."""
    model.eval()
    hearing = hearing_of(model)
    lengths = torch.tensor([len(features[i]) for i in range(len(features))])
    heard = (hearing.frames(model, lengths) > 0).nonzero().flatten().numpy()
    like = next(model.parameters())
    input_name = str(getattr(model, "main_input_name", "input_features"))
    together = hearing.masks_padding(model)
    for indices in _batches(heard, lengths.numpy()[heard], together * BATCH_SECONDS * hearing.per_second):
        batch = collate([Example(features[i], ()) for i in indices], input_name=input_name)
        yield tuple(indices), batch[input_name].to(like), batch["attention_mask"].to(like.device)


def hear(model: Any, features: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits of a batch (B, T', V) and which of its frames are not padding (B, T')."""
    logits = model(features, attention_mask=attention_mask).logits
    count = hearing_of(model).frames(model, attention_mask.sum(-1))
    return logits, torch.arange(logits.shape[1], device=logits.device) < count[:, None]


def posteriors(model: Any, features: Heard) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield utterances in the order of batches, with ln p(token | frame) of shape (T', V).

    Raises:
        ModelError: The model says what is no number.
    """
    for batch in frames(model, features):
        if not batch.logits[batch.inside].amax(-1).isfinite().all():
            raise ModelError(
                f"the recognizer must say numbers of its frames, but {type(model).__name__} says NaN or "
                f"infinity: its weights are broken; take a model whose training did not diverge"
            )
        for index, logits, inside in zip(batch.indices, batch.logits, batch.inside, strict=True):
            yield index, logits[inside].float().log_softmax(-1).cpu().numpy()


def _batches(indices: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], rows: float) -> Iterator[list[int]]:
    """Cut utterances into batches of about so many rows of input, alike in length; 0 means one by one."""
    if not rows:
        yield from ([int(index)] for index in indices)
    elif len(indices):
        for draws in EvenBatches(lengths.astype(np.float64), rows, shuffle=False):
            yield [int(indices[place]) for _, place in draws]
