"""A linear layer after its weight was cut."""

from torch import nn
from transformers.pytorch_utils import Conv1D


def refit(module: nn.Linear) -> None:
    """Read the layer's sizes off its weight (out, in)."""
    module.out_features, module.in_features = module.weight.shape


def refit_transposed(module: Conv1D) -> None:
    """Read the sizes of GPT-2's linear layer off its weight (in, out)."""
    module.nx, module.nf = module.weight.shape
