"""A norm after its channels were cut."""

from torch import nn


def refit(module: nn.BatchNorm1d) -> None:
    """Read the number of channels off its weight (C,)."""
    module.num_features = module.weight.shape[0]


def refit_groups(module: nn.GroupNorm) -> None:
    """Read the number of channels off its weight (C,); each is a group of its own, as it was."""
    module.num_channels = module.num_groups = module.weight.shape[0]
