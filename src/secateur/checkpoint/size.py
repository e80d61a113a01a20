"""How large a model's weight file is, without writing it."""

import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from secateur.checkpoint.quantized import quantizable

DTYPE_NAMES = {
    "torch.int64": "I64",
    "torch.float64": "F64",
    "torch.float32": "F32",
    "torch.int32": "I32",
    "torch.bfloat16": "BF16",
    "torch.float16": "F16",
    "torch.int8": "I8",
    "torch.uint8": "U8",
    "torch.bool": "BOOL",
}
"""safetensors' names of types, in the order in which it lays tensors out."""

LENGTH_FIELD = 8
"""safetensors: the header's length comes first, as 64 bits."""

ALIGNMENT = 8
"""safetensors: the header is padded with spaces to a multiple of this."""

SCALE = 4
"""Bytes of the number that an output's integers are multiples of."""


def file_bytes(model: nn.Module) -> int:
    """Return the size of the safetensors file that ``save_pretrained`` writes: header and tensors, in bytes."""
    tensors = saved(model)
    header = len(json.dumps(_header(tensors), separators=(",", ":")).encode())
    return LENGTH_FIELD + -(-header // ALIGNMENT) * ALIGNMENT + sum(t.nbytes for t in tensors.values())


def entry_bytes(model: nn.Module) -> dict[str, int]:
    """Return what each tensor takes of the header: its line there."""
    header = _header(saved(model))
    return {
        name: len(json.dumps({name: entry}, separators=(",", ":")).encode()) - 1
        for name, entry in header.items()
        if name != "__metadata__"
    }


def compressed_bytes(model: nn.Module, *, bits: int | None = None) -> int:
    r"""Return what a model's tensors take with their zeros left out: a bit for every number, and those that are not 0.

    .. math:: \sum_t \min \Big( n_t b_t, \Big\lceil \frac{n_t}{8} \Big\rceil + k_t b_t \Big) + 4 o_t

    with n numbers of which k are not zero, and b bytes for each. With `bits`, b = `bits` / 8 for the weights that
    `secateur.checkpoint.quantized` rounds, and each of their o outputs has a scale of 4 bytes. No header is counted.

    >>> layer = nn.Linear(8, 2, bias=False)
    >>> with torch.no_grad():
    ...     _ = layer.weight[:, 2:].zero_()
    >>> compressed_bytes(layer), compressed_bytes(layer, bits=8)
    (18, 14)
    """
    rounded = quantizable(model) if bits is not None else {}
    return sum(
        _compressed(tensor, bits=bits, outputs=tensor.shape[rounded[name]])
        if bits is not None and name in rounded
        else _compressed(tensor, bits=8 * tensor.element_size())
        for name, tensor in saved(model).items()
    )


def _compressed(tensor: Tensor, *, bits: int, outputs: int = 0) -> int:
    whole, kept = (math.ceil(count * bits / 8) for count in (tensor.numel(), int(torch.count_nonzero(tensor))))
    return min(whole, math.ceil(tensor.numel() / 8) + kept) + SCALE * outputs


def saved(model: nn.Module) -> dict[str, Tensor]:
    """Return what is saved: of weights that are tied, as embeddings and output layers are, the first."""
    names: dict[int, str] = {}
    tensors = model.state_dict(keep_vars=True)
    for name, tensor in tensors.items():
        names.setdefault(id(tensor), name)
    return {name: tensors[name] for name in names.values()}


def _header(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Lay tensors out as safetensors does: by type, then by name."""
    order = list(DTYPE_NAMES)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name in sorted(tensors, key=lambda n: (order.index(str(tensors[n].dtype)), n)):
        tensor = tensors[name]
        header[name] = {
            "dtype": DTYPE_NAMES[str(tensor.dtype)],
            "shape": list(tensor.shape),
            "data_offsets": [start, start + tensor.nbytes],
        }
        start += tensor.nbytes
    return header
