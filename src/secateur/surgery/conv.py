"""A convolution after its weight was cut."""

from torch import nn


def refit(module: nn.Conv1d | nn.Conv2d) -> None:
    """Read the layer's sizes off its weight (out, in / groups, kernel); a depthwise one stays depthwise."""
    depthwise = module.groups == module.in_channels and module.groups > 1
    module.out_channels = module.weight.shape[0]
    module.groups = module.out_channels if depthwise else 1
    module.in_channels = module.weight.shape[1] * module.groups
