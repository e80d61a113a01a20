"""Weights of which the model shows a part only."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn

from secateur.group import Group, Masks
from secateur.masks import broadcast


@final
class Behind:
    """Lets a model run on some units of its weights while the optimizer moves all.

    Between `show` and `hide` the others are zero in the model, and gradients are taken there: straight through to the
    weights behind (Lin et al. 2020, arXiv 2006.07253, algorithm 1).
    """

    def __init__(self, model: nn.Module, groups: Sequence[Group]) -> None:
        self._model = model
        self._groups = {group.slices[0].tensor: group for group in groups}
        self._factors: dict[str, Tensor] = {}
        self._weights: dict[str, Tensor] = {}

    @property
    def shown(self) -> bool:
        """Whether the model shows a part only."""
        return bool(self._weights)

    def choose(self, masks: Masks) -> None:
        """Show these units from the next time on, site -> bool (units,)."""
        for tensor, group in self._groups.items():
            weight = self._model.get_parameter(tensor)
            self._factors[tensor] = broadcast(masks[group.name].to(weight.device), group.slices[0], weight.shape)

    @torch.no_grad()
    def show(self) -> None:
        """Keep the weights, and zero what is not to be shown."""
        for tensor, factor in self._factors.items():
            weight = self._model.get_parameter(tensor)
            self._weights[tensor] = weight.detach().clone()
            weight.mul_(factor)

    @torch.no_grad()
    def hide(self) -> None:
        """Put the weights back."""
        for tensor, weight in self._weights.items():
            self._model.get_parameter(tensor).copy_(weight)
        self._weights = {}

    def state(self) -> dict[str, Tensor]:
        """Return the weights behind what is shown."""
        return dict(self._weights)

    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Take them up: the model shows a part of them."""
        self._weights = dict(weights)
