"""Training is in single precision, whatever a model is kept in."""

from collections.abc import Generator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

HALF = (torch.bfloat16, torch.float16)


@contextmanager
def single_precision(model: nn.Module) -> Generator[None]:
    """Let what a model has in half precision be in float32 in here; afterwards it is rounded to what it was.

    A weight in bfloat16 has 8 bits: an optimizer's step below 1/512 of it is lost in rounding, and most are. Batches
    are float32 as well. Mixed precision (``bf16: true``) is something else: its weights are in float32.
    """
    own = {name: tensor.dtype for name, tensor in _tensors(model).items() if tensor.dtype in HALF}
    _cast(model, dict.fromkeys(own, torch.float32))
    try:
        yield
    finally:
        _cast(model, own)


def _tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    return dict(chain(model.named_parameters(), model.named_buffers()))


def _cast(model: nn.Module, wanted: dict[str, torch.dtype]) -> None:
    """Put tensors into other precisions; parameters stay the same objects, which optimizers and ties hold on to."""
    for name, tensor in _tensors(model).items():
        if name in wanted:
            tensor.data = tensor.data.to(wanted[name])
