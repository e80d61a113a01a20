"""Weights of a packed file, restored while ``from_pretrained`` reads it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

from torch import Tensor, nn
from transformers.core_model_loading import ConversionOps, WeightConverter

from secateur.checkpoint.packed import MARK, PARTS, Layout, PackedFile, PackedWeight, read_packed, whole
from secateur.errors import ModelError

PATTERNS = {re.escape(f"{MARK}{part}"): part for part in PARTS}
"""What the library is to look for in names -> the part that it is."""


def open_packed(model: nn.Module, files: Sequence[Path]) -> PackedFile:
    """Look at all of the packed file that a model is to be read from.

    Raises:
        ModelError: There is not one file, it is damaged, or its weights are not of the model's shapes.
    """
    if len(files) != 1:
        raise ModelError(f"a packed model must lie in one file, but lies in {len(files)}; export it again")
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}

    def fits(name: str, layout: Layout) -> None:
        found = _match(name, shapes)
        if found != layout.shape:
            there = "is not there" if found is None else f"is of shape {found}"
            raise ModelError(
                f"`{files[0]}` must fit the model in `config.json`, where `{name:.80}` {there}, but holds one of "
                f"{layout.shape}; they belong to different models"
            )

    return read_packed(files[0], fits=fits)


def _match(name: str, table: Mapping[str, Any]) -> Any:
    """Find a weight by its name in the file, or the model: one may have the other's with a prefix."""
    if name in table:
        return table[name]
    return next((value for key, value in table.items() if key.endswith(f".{name}") or name.endswith(f".{key}")), None)


@final
class Unpack(ConversionOps):
    """Puts a weight together from its parts."""

    def __init__(self, packed: PackedFile) -> None:
        self._layouts = {name: weight.layout for name, weight in packed.weights.items()}
        self._stored = packed.stored

    def __deepcopy__(self, memo: Any) -> "Unpack":
        """Return itself: the library copies an operation for every weight, and nothing here is of one."""
        return self

    def converter(self) -> WeightConverter:
        """Return what collects the parts of every weight, and calls this."""
        return WeightConverter(list(PATTERNS), "", [self])

    def feeds(self, converter: Any) -> bool:
        """Whether a converter is ours."""
        return self in getattr(converter, "operations", ())

    def convert(self, input_dict: Mapping[str, Sequence[Tensor]], *_: Any, **given: Any) -> dict[str, list[Tensor]]:
        """Return the weight under its name in the model."""
        name, model = given["full_layer_name"], given["model"]
        layout = _match(name, self._layouts)
        parts = {PATTERNS[pattern]: tensors[0] for pattern, tensors in input_dict.items()}
        weight = PackedWeight(layout, whole(name, layout, parts, self._stored)).values()
        return {name: [weight.to(model.get_parameter(name).dtype)]}
