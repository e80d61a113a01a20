"""The sparse layers that can take a dense one's place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.checkpoint.packed import Encoding, PackedWeight, pack, sizes
from secateur.errors import ModelError
from secateur.runtime.linear import SparseLinear, SparsePointwise
from secateur.runtime.product import multipliable

Values = Literal["int8", "fp32", "bf16"]

DTYPES: Final[dict[Values, str]] = {"int8": "I8", "fp32": "F32", "bf16": "BF16"}

PLAIN: Final[Encoding] = ("rows", 1)
"""All weights, row by row."""

WHOLE: Final[Encoding] = ("blocks", 4)
"""In which integers are multiplied fastest even if no block is left out."""


class Candidate(NamedTuple):
    """A sparse layer."""

    layer: SparseLinear | SparsePointwise
    skipped: float
    """The share of the weight that its kernel leaves out."""

    nbytes: int
    """What its weight takes in memory."""

    @property
    def linear(self) -> SparseLinear:
        """Return the layer that multiplies."""
        return self.layer.linear if isinstance(self.layer, SparsePointwise) else self.layer


def linear(layer: nn.Module) -> bool:
    """Whether a layer multiplies every position with one matrix; classes derived from these may do other things."""
    if type(layer) is nn.Conv1d:
        usual = (layer.kernel_size, layer.stride, layer.padding, layer.groups)
        return usual == ((1,), (1,), (0,), 1)
    return type(layer) in (nn.Linear, Conv1D)


def candidates(name: str, layer: Any, values: Values) -> Iterator[tuple[str, Candidate]]:
    """Give, by kernel, the sparse layers that take fewer bytes than all the weights, the smallest first.

    Of integers whose zeros pay in some encoding there are also whole blocks, with or without zeros.

    Raises:
        ModelError: A weight is not finite.
    """
    if not bool(torch.isfinite(layer.weight).all()):
        raise ModelError(f"the model must have finite weights, but `{name}.weight` has not; take a sound checkpoint")
    nbytes = _bytes(layer, values)
    encodings = _paying(nbytes)
    if encodings and values == "int8" and WHOLE not in encodings:
        encodings.append(WHOLE)
    for encoding in encodings:
        weight = pack(layer.weight, outputs=_outputs(layer), dtype=DTYPES[values], encoding=encoding)
        if weight is not None and multipliable(weight):
            yield kernel(weight, values), _candidate(layer, weight, nbytes[encoding])


def pays(layer: Any, values: Values) -> bool:
    """Whether a layer's zeros are worth leaving out in some encoding; nothing is packed."""
    return bool(_paying(_bytes(layer, values)))


def _bytes(layer: Any, values: Values) -> dict[Encoding, int]:
    return sizes(layer.weight, outputs=_outputs(layer), dtype=DTYPES[values])


def _outputs(layer: Any) -> int:
    return 1 if isinstance(layer, Conv1D) else 0


def _paying(nbytes: Mapping[Encoding, int]) -> list[Encoding]:
    """Return the encodings that take fewer bytes than all the weights, the smallest first."""
    return [encoding for encoding in sorted(nbytes, key=lambda one: nbytes[one]) if nbytes[encoding] < nbytes[PLAIN]]


def kernel(weight: PackedWeight, values: Values) -> str:
    """Name the kernel of a weight: ``mask int8``, ``16x4 bf16``."""
    layout = weight.layout
    return f"{'mask' if layout.encoding == 'bitmask' else f'16x{layout.width}'} {values}"


def _candidate(layer: Any, weight: PackedWeight, nbytes: int) -> Candidate:
    sparse = SparseLinear(weight, layer.bias)
    layout = weight.layout
    kept = int(weight.parts["starts"][layout.down])
    every = layout.numel if layout.encoding == "bitmask" else layout.down * layout.across
    pointwise = isinstance(layer, nn.Conv1d)
    return Candidate(SparsePointwise(sparse) if pointwise else sparse, 1.0 - kept / every, nbytes)
