"""The masks of a model, and their effect on it."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from secateur.granularity import empty, zeroed
from secateur.group import Group
from secateur.masks.apply import multipliers, multiply


@final
class MaskState:
    """Which units of a model are kept.

    A unit that is masked has weights of zero: they are multiplied by the mask after every optimizer step, so the
    model stays an ordinary one, whose parameters have their own names and whose checkpoints load anywhere. A masked
    layer is stepped over.
    """

    def __init__(self, model: nn.Module, groups: Sequence[Group]) -> None:
        self.groups = {group.name: group for group in groups}
        self.masks = {group.name: torch.ones(group.units, dtype=torch.bool) for group in groups}
        self._model = model
        self._multipliers: dict[str, list[Tensor]] = {}
        self._bypasses: dict[str, RemovableHandle] = {}

    def set(self, masks: dict[str, Tensor]) -> None:
        """Replace the masks of some sites, and apply all."""
        for site, mask in masks.items():
            self.masks[site] = mask.cpu()
        for site, mask in self.masks.items():
            if self.groups[site].granularity == "layer" and not mask.all() and site not in self._bypasses:
                layer = self._model.get_submodule(self.groups[site].module)
                self._bypasses[site] = layer.register_forward_hook(_pass_input_on, prepend=True)
        parameters = dict(self._model.named_parameters())
        self._multipliers = multipliers(self.groups, self.masks, parameters)
        self.apply()

    def apply(self) -> None:
        """Zero what is masked."""
        multiply(dict(self._model.named_parameters()), self._multipliers)

    def release(self) -> None:
        """Take the hooks off the model; the zeros stay."""
        for handle in self._bypasses.values():
            handle.remove()
        self._bypasses.clear()

    def kept(self) -> dict[str, int]:
        """Count the kept units of every site."""
        return {site: int(mask.sum()) for site, mask in self.masks.items()}


def not_empty(model: nn.Module, groups: Sequence[Group]) -> dict[str, Tensor]:
    """Return masks of the weights and blocks that an earlier pruning has left, for the sites that have such units."""
    weights = dict(model.named_parameters())
    return {group.name: ~empty(group, weights).cpu() for group in groups if zeroed(group)}


def _pass_input_on(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Return a layer's input for its output: what the model computes without the layer, and what other hooks see."""
    return inputs[0].to(output[0] if isinstance(output, tuple) else output)  # in mixed precision they may differ
