"""Any `nn.Module`: its weight matrices and filters, element by element. Needs no family."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.group import Group, Runs, Slice

PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, Conv1D, nn.LSTM)
"""Layers whose weights may be zeroed one by one. Embeddings, norms and biases stay whole."""


class Weight(NamedTuple):
    """A matrix or filter, and the layer that it belongs to."""

    tensor: str
    """Its dotted name."""

    module: str
    """The layer's; the whole model's is empty."""

    layer: nn.Module

    @property
    def inputs(self) -> int:
        """The axis that counts inputs, of the first two; the other counts outputs."""
        return 0 if isinstance(self.layer, Conv1D) else 1


OWN = re.compile(r"weight(_[ih]h_l\d+(_reverse)?)?$")
"""Names of weights that layers multiply by; others, of weight norm say, make one up."""


def weights(model: nn.Module) -> list[Group]:
    """One group per weight tensor of a linear, recurrent or convolution layer, one unit per element; a shared one once.

    A tensor that an embedding shares stays whole, as does one that is computed from others (weight norm).
    """
    units = {weight: model.get_parameter(weight.tensor).numel() for weight in own_weights(model)}
    return [weight_group(weight, "element", units=count) for weight, count in units.items()]


def own_weights(model: nn.Module) -> Iterator[Weight]:
    """Give every weight of a linear, recurrent or convolution layer that is a layer's own; a shared one once.

    A recurrent layer has two per layer and direction: of its input, and of its own state. One whose state is projected
    stays whole.
    """
    left = {id(tensor) for tensor in model.parameters()} - _other(model)
    for name, module in model.named_modules():
        if isinstance(module, PRUNABLE) and not getattr(module, "proj_size", 0):
            for weight, tensor in module.named_parameters(recurse=False):
                if OWN.match(weight) and id(tensor) in left:
                    left.remove(id(tensor))
                    yield Weight(f"{name}.{weight}" if name else weight, name, module)


def weight_group(
    weight: Weight, granularity: str, *, units: int, runs: Runs | None = None, block: tuple[int, int] | None = None
) -> Group:
    """Return the units of a weight."""
    return Group(
        name=f"{weight.tensor}:{granularity}",
        granularity=granularity,
        module=weight.module,
        units=units,
        slices=(Slice(tensor=weight.tensor, gate=True, block=block),),
        runs=runs,
    )


def _other(model: nn.Module) -> set[int]:
    """Identify the parameters of layers that are not prunable."""
    layers = [module for module in model.modules() if not isinstance(module, PRUNABLE)]
    return {id(tensor) for module in layers for tensor in module.parameters(recurse=False)}
