"""Weights behind what a model shows."""

from collections.abc import Callable, Mapping
from typing import final

import torch
from torch import Tensor, nn


@final
class Behind:
    """Lets a model run on something else than its weights, which stay behind.

    Between `show` and `hide`, forward and backward see what is shown; the gradients taken there belong to the weights
    behind, straight through the change (Bengio et al. 2013, arXiv 1308.3432), unless whoever hides it says otherwise.
    """

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        self._parameters = weights
        self._weights: dict[str, Tensor] = {}

    @property
    def shown(self) -> bool:
        """Whether the model shows something else."""
        return bool(self._weights)

    @torch.no_grad()
    def show(self, change: Callable[[str, Tensor], Tensor]) -> None:
        """Keep the weights, and let the model show what `change` makes of each."""
        for name, parameter in self._parameters.items():
            self._weights[name] = parameter.detach().clone()
            parameter.copy_(change(name, parameter))

    @torch.no_grad()
    def hide(self) -> None:
        """Put the weights back."""
        for name, weight in self._weights.items():
            self._parameters[name].copy_(weight)
        self._weights = {}

    def forget(self) -> None:
        """Leave what is shown for good."""
        self._weights = {}

    def state(self) -> dict[str, Tensor]:
        """Return the weights behind what is shown."""
        return dict(self._weights)

    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Take them up: the model shows what belongs to them."""
        self._weights = dict(weights)
