"""A model whose pruned layers run on sparse kernels."""

from collections import defaultdict
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.checkpoint.packed import PackedWeight, pack
from secateur.errors import ModelError
from secateur.runtime.linear import Quantizer, SparseLinear, takes


@torch.no_grad()
def accelerate(model: Any) -> Any:
    """Replace every linear layer whose zeros a kernel profits from, in place; return the model.

    Weights are rounded row by row, activations token by token (`secateur.runtime.linear`). For inference on a CPU.

    Raises:
        ModelError: The model lies elsewhere, was accelerated before, or has weights that are not finite.
    """
    _check(model)
    layers = {name: layer for name, layer in model.named_modules() if type(layer) in (nn.Linear, Conv1D)}
    quantizers: defaultdict[tuple[str, int], Quantizer] = defaultdict(Quantizer)
    for name, packed in {name: _packed(name, layer) for name, layer in layers.items()}.items():
        if packed is not None and takes(packed):
            parent, _, own = name.rpartition(".")
            shared = quantizers[parent, packed.layout.columns]
            sparse = SparseLinear(packed, layers[name].bias, quantizer=shared)
            setattr(model.get_submodule(parent), own, sparse)
    return model


def _packed(name: str, layer: nn.Linear | Conv1D) -> PackedWeight | None:
    if not bool(torch.isfinite(layer.weight).all()):
        raise ModelError(f"the model must have finite weights, but `{name}.weight` has not; take a sound checkpoint")
    return pack(layer.weight, outputs=1 if isinstance(layer, Conv1D) else 0, dtype="I8")


def _check(model: nn.Module) -> None:
    if any(isinstance(module, SparseLinear) for module in model.modules()):
        raise ModelError("the model must not be accelerated twice, but has sparse layers already; use it as it is")
    devices = {parameter.device.type for parameter in model.parameters()} - {"cpu"}
    if devices:
        raise ModelError(f"a model to accelerate must lie on the CPU, but lies on {', '.join(devices)}; move it there")
