"""A linear map between hidden states, which learns beside the student."""

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from secateur.optimizer_state import average, load_state, named_state


@final
class Projection:
    """``h W^T + b`` with W = 1 and b = 0 to begin with: the student may hold the same content in another basis.

    One map for all layers. It is no part of the student and is thrown away in the end.

    Source: CoFi (arXiv 2204.00408), section 3.2: one transformation for all layers, initialized as the identity.
    """

    def __init__(self, width: int, *, learning_rate: float, device: torch.device) -> None:
        """`width` is D, that of the residual stream of both models."""
        self.weight = torch.eye(width, device=device, requires_grad=True)
        self.bias = torch.zeros(width, device=device, requires_grad=True)
        self._optimizer = torch.optim.AdamW([self.weight, self.bias], lr=learning_rate, weight_decay=0.0)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Map hidden states, shape (..., D)."""
        return torch.nn.functional.linear(hidden, self.weight.to(hidden), self.bias.to(hidden))

    def step(self) -> None:
        """Learn from the gradients of the step, averaged over processes; a step that overflowed is left out."""
        gradients = [tensor.grad for tensor in (self.weight, self.bias) if tensor.grad is not None]
        average(gradients)
        if all(bool(gradient.isfinite().all()) for gradient in gradients):
            self._optimizer.step()
        self._optimizer.zero_grad()

    def state(self) -> dict[str, Tensor]:
        """Return weights and moments."""
        own = {"weight": self.weight.detach().clone(), "bias": self.bias.detach().clone()}
        return own | named_state(self._optimizer)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state."""
        with torch.no_grad():
            self.weight.copy_(state["weight"])
            self.bias.copy_(state["bias"])
        load_state(self._optimizer, {k: v for k, v in state.items() if k not in ("weight", "bias")})
