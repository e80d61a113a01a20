"""Any `nn.Module`: its weight matrices and filters, element by element. Needs no family."""

from torch import nn

from secateur.plan import Group, Slice

PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d)
"""Layers whose weights may be zeroed one by one. Embeddings, norms and biases stay whole."""


def weights(model: nn.Module) -> list[Group]:
    """One group per weight tensor of a linear layer or convolution, one unit per element; a shared tensor once."""
    seen: set[int] = set()
    groups: list[Group] = []
    for name, module in model.named_modules():
        if isinstance(module, PRUNABLE) and id(module.weight) not in seen:
            seen.add(id(module.weight))
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
