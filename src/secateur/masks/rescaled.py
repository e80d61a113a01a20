"""What a trainer has done to all gradients alike."""

from functools import partial
from typing import final

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from secateur.optimizer_state import average


@final
class Rescaled:
    """The factor by which all gradients of a model were multiplied after the backward pass: clipped, or unscaled.

    What is no parameter of the model, as a layer's gate, has a gradient that a trainer does not know of, and needs the
    factor, too. It is read off the vectors among the parameters, which are few numbers: their gradients as the backward
    pass gives them are summed beside those in place.
    """

    def __init__(self, model: nn.Module) -> None:
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._watched = [parameter for parameter in trained if parameter.dim() < 2] or trained
        self._seen: list[Tensor] = []
        self._handles: list[RemovableHandle] = []

    def watch(self) -> None:
        """Sum gradients from now on."""
        self.stop()
        self._seen = [torch.zeros_like(parameter) for parameter in self._watched]
        self._handles = [
            parameter.register_hook(partial(_add, total))
            for parameter, total in zip(self._watched, self._seen, strict=True)
        ]

    def factor(self) -> float:
        """Return the factor; 1 where there were no gradients."""
        average(self._seen)
        placed = [one.grad for one in self._watched if one.grad is not None]
        before, now = (float(nn.utils.get_total_norm(some)) for some in (self._seen, placed))
        return now / before if before else 1.0

    def stop(self) -> None:
        """Look away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []


def _add(total: Tensor, gradient: Tensor) -> None:
    total.add_(gradient)
