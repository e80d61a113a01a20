"""Training is in single precision, whatever a model is kept in."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel


@contextmanager
def single_precision(model: PreTrainedModel) -> Generator[None]:
    """Let a model work in float32 in here; afterwards it is back in its own precision, rounded to it.

    A weight in bfloat16 has 8 bits: an optimizer's step below 1/512 of it is lost in rounding, and most are. Batches
    are float32 as well. Mixed precision (``bf16: true``) is something else: its weights are in float32.
    """
    own = model.dtype
    if own != torch.float64:
        model.float()
    try:
        yield
    finally:
        model.to(own)  # pyright: ignore[reportArgumentType, reportCallIssue]
