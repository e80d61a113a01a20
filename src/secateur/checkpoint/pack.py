"""Save a model without its zeros."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from secateur.checkpoint.hook import SecateurConfig
from secateur.checkpoint.packed import DTYPES, SCHEMA, Layout, PackedWeight, pack, require_zstd, write_packed
from secateur.checkpoint.quantized import quantizable
from secateur.checkpoint.save import mark
from secateur.checkpoint.size import DTYPE_NAMES, saved
from secateur.errors import ModelError

FILE: Final = "model.safetensors"


class Saved(NamedTuple):
    """What became of a model's weights."""

    layouts: tuple[Layout, ...]
    """Of those that were packed; the others would have become larger."""

    nbytes: int
    """What their parts take in the file."""


def save_packed(
    model: Any, processor: Any, folder: Path, *, values: str | None = None, compress: bool = False
) -> Saved:
    """Write a Hugging Face folder with a packed file.

    `values` is what weights of linear, recurrent and convolution layers become, as safetensors calls it: ``I8`` rounds
    them row by row; ``None`` leaves them, so that the model is the same bit for bit. `compress` needs an extra.

    Raises:
        ModelError: A weight is not finite, or becomes so.
        MissingExtraError: The extra is missing.
    """
    packable = quantizable(model)
    tensors = saved(model)
    tried = {name: _packed(name, tensors[name], outputs, values) for name, outputs in packable.items()}
    weights = {name: packed for name, packed in tried.items() if packed is not None}
    others = {name: tensor for name, tensor in tensors.items() if name not in weights}
    if compress:
        require_zstd()
    _save_config(model, folder)
    nbytes = write_packed(folder / FILE, weights, others, compress=compress)
    if processor is not None:
        processor.save_pretrained(folder)
    return Saved(tuple(weight.layout for weight in weights.values()), nbytes)


def _packed(name: str, weight: Tensor, outputs: int, values: str | None) -> PackedWeight | None:
    dtype = DTYPE_NAMES[str(weight.dtype)] if values is None else values
    _check_finite(name, weight if dtype == "I8" else weight.to(DTYPES[dtype][0]))
    return pack(weight.cpu(), outputs=outputs, dtype=dtype)


def _save_config(model: Any, folder: Path) -> None:
    """Write all that goes with the weights: `config.json` has the plan, if there is one, and that they are packed."""
    mark(model)
    marked = getattr(model.config, "quantization_config", None)
    model.config.quantization_config = SecateurConfig(getattr(marked, "plan", None), packed=SCHEMA)
    try:
        model.save_pretrained(folder, state_dict={})
    finally:
        if marked is None:
            del model.config.quantization_config
        else:
            model.config.quantization_config = marked


def _check_finite(name: str, weight: Tensor) -> None:
    if not bool(torch.isfinite(weight).all()):
        raise ModelError(
            f"the model must have finite weights, but `{name}` holds {int((~torch.isfinite(weight)).sum())} that are "
            f"not; train it again from the last good checkpoint"
        )
