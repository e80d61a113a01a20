"""Dense forms of a model: what sparse ones have to beat."""

import copy
import warnings
from collections.abc import Mapping
from typing import Any, Final, Literal, final

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from secateur.processor import emulates_bfloat16
from secateur.surgery.put import put

Weights = Literal["fp32", "bf16", "int8"]

BYTES: Final[Mapping[Weights, int]] = {"fp32": 4, "bf16": 2, "int8": 1}
"""What a weight of a linear layer takes."""


def usable_weights() -> tuple[Weights, ...]:
    """Return the dense forms that are worth a try on this processor: ``bf16`` is not where it is only emulated."""
    return ("fp32", "int8") if emulates_bfloat16() else ("fp32", "bf16", "int8")


@torch.no_grad()
def dense(model: Any, weights: Weights) -> Any:
    """Return a copy of a model with such weights.

    Of ``int8``, linear layers are PyTorch's dynamic ones: weights rounded once, activations as they come. Layers that
    are linear under another name (`as_linear`) are among them; all else stays in float32.
    """
    if weights == "fp32":
        return copy.deepcopy(model).float().eval()
    if weights == "bf16":
        return copy.deepcopy(model).bfloat16().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it moves to another package; what runs is the same
        quantization: Any = torch.ao.quantization
        return quantization.quantize_dynamic(as_linear(model), {nn.Linear}, dtype=torch.qint8, inplace=True)


@torch.no_grad()
def as_linear(model: Any) -> Any:
    """Return a copy in float32 whose linear layers under another name are `nn.Linear`: quantizers know no other.

    These are convolutions that reach no further than one position, and GPT-2's layers, whose weights lie the other way
    round.
    """
    found = copy.deepcopy(model).float().eval()
    for name, layer in list(found.named_modules()):
        made: nn.Module | None = None
        if is_pointwise(layer):
            made = Pointwise(linear_from(layer.weight[:, :, 0], layer.bias))
        elif type(layer) is Conv1D:
            made = linear_from(layer.weight.T, layer.bias)
        if made is not None:
            put(found, name, made)
    return found


def is_pointwise(layer: nn.Module) -> bool:
    """Whether a layer is a convolution over time that reaches no further than one position."""
    if type(layer) is not nn.Conv1d:
        return False
    return (layer.kernel_size, layer.stride, layer.padding, layer.groups) == ((1,), (1,), (0,), 1)


@torch.no_grad()
def linear_from(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """Return a linear layer with a copy of a weight (rows, columns) and a bias."""
    rows, columns = weight.shape
    made = nn.Linear(columns, rows, bias=bias is not None)
    made.weight.copy_(weight)
    if bias is not None:
        made.bias.copy_(bias)
    return made


@final
class Pointwise(nn.Module):
    """A linear layer at every position, with channels before positions."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, channels: Tensor) -> Tensor:
        """Multiply (B, C, T)."""
        return self.linear(channels.transpose(1, 2)).transpose(1, 2)


def bytes_read(model: Any, weights: Weights) -> int:
    """Return how many bytes of weights a forward of the dense form reads, if it reads each once.

    Rows of an embedding are looked up, not read; where the output layer shares them, they are.
    """
    single = {name for name, layer in model.named_modules() if _is_linear(layer)}
    inner: dict[int, tuple[int, int]] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Embedding):
            continue
        for own, tensor in layer.named_parameters(recurse=False):
            small = weights == "bf16" or (name in single and own == "weight")
            inner[id(tensor)] = (tensor.numel(), BYTES[weights] if small else BYTES["fp32"])
    return sum(count * size for count, size in inner.values())


def _is_linear(layer: nn.Module) -> bool:
    return type(layer) in (nn.Linear, Conv1D) or is_pointwise(layer)
