"""A linear layer after its weight was cut."""

from torch import nn


def refit(module: nn.Linear) -> None:
    """Read the layer's sizes off its weight (out, in)."""
    module.out_features, module.in_features = module.weight.shape
