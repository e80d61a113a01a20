"""Any `nn.Module`: its weight matrices and filters, element by element. Needs no family."""

from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.group import Group, Slice

PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, Conv1D)
"""Layers whose weights may be zeroed one by one. Embeddings, norms and biases stay whole."""


def weights(model: nn.Module) -> list[Group]:
    """One group per weight tensor of a linear layer or convolution, one unit per element; a shared tensor once.

    A tensor that an embedding shares stays whole, as does one that is computed from others (weight norm).
    """
    left = {id(tensor) for tensor in model.parameters()} - _other(model)
    groups: list[Group] = []
    for name, module in model.named_modules():
        if isinstance(module, PRUNABLE) and id(module.weight) in left:
            left.remove(id(module.weight))
            tensor = f"{name}.weight" if name else "weight"
            groups.append(
                Group(
                    name=f"{tensor}:element",
                    granularity="element",
                    module=name,
                    units=module.weight.numel(),
                    slices=(Slice(tensor=tensor, gate=True),),
                )
            )
    return groups


def _other(model: nn.Module) -> set[int]:
    """Identify the parameters of layers that are not prunable."""
    layers = [module for module in model.modules() if not isinstance(module, PRUNABLE)]
    return {id(tensor) for module in layers for tensor in module.parameters(recurse=False)}
