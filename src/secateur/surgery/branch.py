"""What stands where a residual branch was."""

from typing import Any, final

import torch
from torch import Tensor, nn


@final
class RemovedBranch(nn.Module):
    """Adds nothing: returns a single zero that broadcasts against the residual stream.

    Adding it is exact (x + 0 = x, x + 0.5 * 0 = x), so the small model equals the masked one bit for bit.
    """

    def __init__(self, outputs: int = 1) -> None:
        """`outputs` is how many values the branch returned; those after the first become ``None``."""
        super().__init__()
        self.outputs = outputs

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return zero, in the type and on the device of `hidden_states`."""
        zero = torch.zeros((), dtype=hidden_states.dtype, device=hidden_states.device)
        return zero if self.outputs == 1 else (zero, *[None] * (self.outputs - 1))
