"""Whether a backward has overflowed."""

from collections.abc import Iterable

import torch
from torch import Tensor


def finite_gradients(parameters: Iterable[Tensor]) -> bool:
    """Whether all gradients are numbers: in fp16 those of some steps overflow, and the trainer skips these steps."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return bool(torch.nn.utils.get_total_norm(gradients).isfinite())
