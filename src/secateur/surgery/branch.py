"""What stands where a residual branch was."""

from typing import Any, final

import torch
from torch import Tensor, nn


@final
class RemovedBranch(nn.Module):
    """Adds nothing: returns a single zero that broadcasts against the residual stream.

    Adding it is exact (x + 0 = x, x + 0.5 * 0 = x), so the small model equals the masked one bit for bit.
    """

    def __init__(self, outputs: int = 1, *, layer: int | None = None) -> None:
        """Stand in for a branch.

        `outputs` is how many values it returned; those after the first become ``None``. `layer` is the place of an
        attention module in a cache of keys and values.
        """
        super().__init__()
        self.outputs = outputs
        self.layer_idx = layer

    def forward(self, hidden_states: Tensor, *args: Any, past_key_values: Any = None, **kwargs: Any) -> Any:
        """Return zero, in the type and on the device of `hidden_states`; count its tokens in a cache.

        `transformers` asks the cache of the first layer how many tokens there have been.
        """
        zero = torch.zeros((), dtype=hidden_states.dtype, device=hidden_states.device)
        if past_key_values is not None and self.layer_idx is not None:
            nothing = hidden_states.new_zeros(hidden_states.shape[0], 1, hidden_states.shape[1], 1)
            past_key_values.update(nothing, nothing, self.layer_idx)
        return zero if self.outputs == 1 else (zero, *[None] * (self.outputs - 1))
