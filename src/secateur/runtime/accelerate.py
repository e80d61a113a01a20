"""A model whose pruned layers run on sparse kernels."""

from collections import defaultdict
from typing import Any, Final, Literal

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.checkpoint.packed import PackedWeight, pack
from secateur.errors import ModelError
from secateur.runtime.linear import Shared, SparseLinear, SparsePointwise
from secateur.runtime.product import multipliable

Values = Literal["int8", "fp32", "bf16"]

DTYPES: Final[dict[Values, str]] = {"int8": "I8", "fp32": "F32", "bf16": "BF16"}


@torch.no_grad()
def accelerate(model: Any, *, values: Values = "int8") -> Any:
    """Replace every linear layer that takes fewer bytes without its zeros, in place; return the model.

    Convolutions that reach no further than one position are such layers too. `values` is what weights become: of
    ``int8`` they are rounded row by row, and activations token by token. For inference on a CPU.

    Raises:
        ModelError: The model lies elsewhere, was accelerated before, or has weights that are not finite.
    """
    _check(model)
    layers = {name: layer for name, layer in model.named_modules() if _linear(layer)}
    packed = {name: _packed(name, layer, DTYPES[values]) for name, layer in layers.items()}
    shared: defaultdict[tuple[Any, ...], Shared] = defaultdict(Shared)
    for name, weight in packed.items():
        if weight is not None and multipliable(weight):
            parent, _, own = name.rpartition(".")
            sparse = SparseLinear(weight, layers[name].bias)
            sparse.share(shared[parent, sparse.in_features, *sparse.product.kind])
            pointwise = isinstance(layers[name], nn.Conv1d)
            setattr(model.get_submodule(parent), own, SparsePointwise(sparse) if pointwise else sparse)
    return model


def _linear(layer: nn.Module) -> bool:
    """Whether a layer multiplies every position with one matrix; classes derived from these may do other things."""
    if type(layer) is nn.Conv1d:
        usual = (layer.kernel_size, layer.stride, layer.padding, layer.groups)
        return usual == ((1,), (1,), (0,), 1)
    return type(layer) in (nn.Linear, Conv1D)


def _packed(name: str, layer: Any, dtype: str) -> PackedWeight | None:
    if not bool(torch.isfinite(layer.weight).all()):
        raise ModelError(f"the model must have finite weights, but `{name}.weight` has not; take a sound checkpoint")
    return pack(layer.weight, outputs=1 if isinstance(layer, Conv1D) else 0, dtype=dtype)


def _check(model: nn.Module) -> None:
    if any(isinstance(module, SparseLinear) for module in model.modules()):
        raise ModelError("the model must not be accelerated twice, but has sparse layers already; use it as it is")
    devices = {parameter.device.type for parameter in model.parameters()} - {"cpu"}
    if devices:
        raise ModelError(f"a model to accelerate must lie on the CPU, but lies on {', '.join(devices)}; move it there")
