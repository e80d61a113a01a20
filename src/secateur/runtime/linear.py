"""A linear layer whose weight stays packed."""

from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from secateur.checkpoint.packed import PackedWeight
from secateur.errors import ModelError, RequestError
from secateur.runtime import integers
from secateur.runtime.quantize import OFFSET, Quantized, quantize
from secateur.runtime.vectors import LANES


@final
class Quantizer:
    """Rounds tokens for layers that read one tensor in turn, as a module's queries, keys and values do: once for all.

    A layer that asks again gets them rounded anew, and so does any layer after a change that PyTorch has counted (it
    counts none in inference mode).
    """

    def __init__(self) -> None:
        self._tokens: Tensor | None = None
        self._version: int | None = None
        self._served: set[int] = set()

    def __call__(self, tokens: Tensor, layer: nn.Module) -> Quantized:
        """Return tokens (..., K) as integers, for a layer."""
        version = None if tokens.is_inference() else tokens._version
        if self._tokens is not tokens or self._version != version or id(layer) in self._served:
            flat = tokens.detach().reshape(-1, tokens.shape[-1]).float().contiguous()
            self._found = quantize(flat.numpy())
            self._tokens, self._version, self._served = tokens, version, set()
        self._served.add(id(layer))
        return self._found


@final
class SparseLinear(nn.Module):
    r"""y = x W^T + b with W in integers behind a mask or in blocks, and x rounded token by token.

    .. math:: y_{ti} = s_t s_i \sum_j q_{tj} q_{ij} + b_i

    with both q in [-127, 127], the sums exact. For inference on a CPU: there are no gradients, and its weight is not in
    `state_dict`.
    """

    def __init__(self, weight: PackedWeight, bias: Tensor | None, *, quantizer: Quantizer) -> None:
        super().__init__()
        layout, parts = weight
        if not takes(weight):
            raise ModelError(
                f"a sparse layer must have integers behind a mask or in blocks of 16 x 4, but has {layout.encoding} of "
                f"{layout.dtype} in tiles of {layout.width} columns"
            )
        self.in_features, self.out_features = layout.columns, layout.rows
        self.encoding = layout.encoding
        self._quantizer = quantizer
        self._kept = (parts[PLACES[layout.encoding]], parts["values"], _row_table(weight, bias))
        self._places, self._values, self._rows = (array.ctypes.data for array in self._kept)
        self._starts = parts["starts"][: layout.down + 1].copy()
        self._across = layout.across

    def forward(self, tokens: Tensor) -> Tensor:
        """Multiply tokens (..., K)."""
        if tokens.requires_grad and torch.is_grad_enabled():
            raise RequestError("an accelerated model has no gradients; train the model before `accelerate`")
        seen = self._quantizer(tokens, self)
        size = len(seen.scales)
        out = np.empty((size, self.out_features), np.float32)
        integers.multiply(
            self.encoding == "bitmask",
            self._starts,
            self._places,
            self._values,
            seen.x.ctypes.data,
            seen.scales.ctypes.data,
            self._rows,
            out.ctypes.data,
            (size, self.out_features, self._across),
        )
        count = tokens.numel() // self.in_features
        return torch.from_numpy(out)[:count].reshape(*tokens.shape[:-1], self.out_features).to(tokens.dtype)

    def extra_repr(self) -> str:
        """Say what is printed of the layer."""
        return f"in_features={self.in_features}, out_features={self.out_features}, encoding={self.encoding}"


PLACES: Final = {"bitmask": "mask", "blocks": "index"}
"""Encodings that there are kernels for -> the part that says where the values belong."""


def takes(weight: PackedWeight) -> bool:
    """Whether there is a kernel for a weight."""
    layout = weight.layout
    wide = layout.types().get("index") is np.uint32
    return layout.dtype == "I8" and layout.encoding in PLACES and layout.width == 4 and not wide


def _row_table(weight: PackedWeight, bias: Tensor | None) -> npt.NDArray[np.float32]:
    """Return what kernels need of each row: its scale, what its sum is too large by, its bias; (down, 3, 16)."""
    layout = weight.layout
    table = np.zeros((layout.down, 3, LANES), np.float32)
    sums = weight.matrix().sum(1, dtype=torch.int32).numpy() * np.int32(OFFSET)
    columns: tuple[npt.NDArray[Any], ...] = (weight.parts["scales"][: layout.rows], sums.view(np.float32))
    if bias is not None:
        columns = (*columns, bias.detach().float().numpy())
    for place, column in enumerate(columns):
        flat = np.zeros(layout.down * LANES, np.float32)
        flat[: layout.rows] = column
        table[:, place] = flat.reshape(layout.down, LANES)
    return table
