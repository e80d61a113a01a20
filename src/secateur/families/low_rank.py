"""A layer in two factors, and its components as units: any model's, without a family."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from secateur.families.any_module import own_weights
from secateur.group import Group, Slice

FIRST, LAST = "first", "last"


@final
class LowRank(nn.Module):
    r"""A linear layer as two: :math:`y = P (Q x) + b` with Q (R, in), `first`, and P (out, R), `last`.

    Component k is row k of Q with column k of P. It takes R (in + out) numbers where the layer took in * out, so it is
    smaller below the break-even rank, in * out / (in + out).

    Source: Emili et al. 2023 (arXiv 2310.03424) name low rank as a method; the layer is that of Wang et al. 2020
    (arXiv 1910.04732), section 3. Differs: no gate of its own, since gates here are factors on `last`
    (`secateur.masks.Gates`).
    """

    def __init__(self, first: nn.Module, last: nn.Module, *, was: type[nn.Module]) -> None:
        """`was` is the class of the layer that this one stands for."""
        super().__init__()
        self.first = first
        self.last = last
        self.was = was

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (..., in) to (..., out); for pointwise convolutions (B, in, T) to (B, out, T)."""
        return self.last(self.first(inputs))

    @property
    def weight(self) -> Tensor:
        """The product, shaped as the weight was: for code that looks at a layer's weight, or draws a new one."""
        return KINDS[self.was].weight(matrix_of(self.last) @ matrix_of(self.first))


@final
@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a class of layers holds its matrix."""

    matrix: Callable[[Tensor], Tensor]
    """Weight, or its gradient -> the matrix (out, in), sharing memory."""

    weight: Callable[[Tensor], Tensor]
    """The way back."""

    make: Callable[[int, int, bool], nn.Module]
    """(in, out, bias) -> a layer of this class; its matrix is what `matrix` says."""

    factor: Callable[[int, int, bool], nn.Module]
    """The same for the two layers that replace it."""

    fits: Callable[[Any], bool] = lambda _: True
    """Whether a layer of the class is a matrix at all."""


def _pointwise(inputs: int, outputs: int, bias: bool) -> nn.Module:
    return nn.Conv1d(inputs, outputs, 1, bias=bias)


def _linear(inputs: int, outputs: int, bias: bool) -> nn.Module:
    return nn.Linear(inputs, outputs, bias=bias)


KINDS: Mapping[type[nn.Module], Kind] = {
    nn.Linear: Kind(matrix=lambda weight: weight, weight=lambda matrix: matrix, make=_linear, factor=_linear),
    Conv1D: Kind(
        matrix=lambda weight: weight.T,
        weight=lambda matrix: matrix.T,
        make=lambda inputs, outputs, _: Conv1D(outputs, inputs),
        factor=_linear,
    ),
    nn.Conv1d: Kind(
        matrix=lambda weight: weight[:, :, 0],
        weight=lambda matrix: matrix.unsqueeze(2),
        make=_pointwise,
        factor=_pointwise,
        fits=lambda layer: layer.kernel_size == (1,) and layer.stride == (1,) and layer.groups == 1,
    ),
}
"""Classes of layers that can be factored. Those derived from them may do otherwise, and are left alone."""


def matrix_of(layer: nn.Module, tensor: Tensor | None = None) -> Tensor:
    """Return a layer's weight, or a `tensor` of its shape, as a matrix (out, in) that shares its memory."""
    return KINDS[type(layer)].matrix(layer.get_parameter("weight") if tensor is None else tensor)


def factorable(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that may become two, by dotted name: none that shares its weight, none that is a factor."""
    names = Counter(id(tensor) for _, tensor in model.named_parameters(remove_duplicate=False))
    factors = {id(part) for pair in model.modules() if isinstance(pair, LowRank) for part in (pair.first, pair.last)}
    return {
        name: layer
        for _, name, layer in own_weights(model)
        if type(layer) in KINDS
        and KINDS[type(layer)].fits(layer)
        and names[id(layer.weight)] == 1
        and id(layer) not in factors
    }


def site_of(layer: str) -> str:
    """Name the site of a layer's components.

    >>> site_of("model.layers.0.fc1")
    'model.layers.0.fc1:rank'
    """
    return f"{layer}:rank"


def components(model: nn.Module) -> list[Group]:
    """Return one group per factored layer, one unit per component."""
    return [_components(name, module) for name, module in model.named_modules() if isinstance(module, LowRank)]


def _components(name: str, layer: LowRank) -> Group:
    rank, inputs = layer.first.get_parameter("weight").shape[:2]
    outputs = layer.last.get_parameter("weight").shape[0]
    return Group(
        name=site_of(name),
        granularity="rank",
        module=name,
        units=rank,
        slices=(
            Slice(tensor=f"{name}.{FIRST}.weight", dim=0),
            Slice(tensor=f"{name}.{LAST}.weight", dim=1, gate=True),
        ),
        free=max(0.0, rank - inputs * outputs / (inputs + outputs)),
    )
