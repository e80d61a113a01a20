"""Any `nn.Module`: its weight matrices and filters, element by element. Needs no family."""

from collections.abc import Iterator

from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.group import Group, Runs, Slice

PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, Conv1D)
"""Layers whose weights may be zeroed one by one. Embeddings, norms and biases stay whole."""


def weights(model: nn.Module) -> list[Group]:
    """One group per weight tensor of a linear layer or convolution, one unit per element; a shared tensor once.

    A tensor that an embedding shares stays whole, as does one that is computed from others (weight norm).
    """
    return [
        weight_group(name, "element", units=layer.get_parameter("weight").numel()) for name, layer in own_weights(model)
    ]


def own_weights(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Give dotted name and layer of every linear layer or convolution with a weight of its own; a shared one once."""
    left = {id(tensor) for tensor in model.parameters()} - _other(model)
    for name, module in model.named_modules():
        if isinstance(module, PRUNABLE) and id(module.weight) in left:
            left.remove(id(module.weight))
            yield name, module


def weight_group(
    module: str, granularity: str, *, units: int, runs: Runs | None = None, block: tuple[int, int] | None = None
) -> Group:
    """Return the units of a layer's weight, by the layer's dotted name."""
    tensor = weight_of(module)
    return Group(
        name=f"{tensor}:{granularity}",
        granularity=granularity,
        module=module,
        units=units,
        slices=(Slice(tensor=tensor, gate=True, block=block),),
        runs=runs,
    )


def weight_of(module: str) -> str:
    """Name a layer's weight; the whole model's name is empty.

    >>> weight_of("encoder.linear"), weight_of("")
    ('encoder.linear.weight', 'weight')
    """
    return f"{module}.weight" if module else "weight"


def _other(model: nn.Module) -> set[int]:
    """Identify the parameters of layers that are not prunable."""
    layers = [module for module in model.modules() if not isinstance(module, PRUNABLE)]
    return {id(tensor) for module in layers for tensor in module.parameters(recurse=False)}
