"""Layers in two factors, as a plan names them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from secateur.errors import ModelError
from secateur.families import factorable
from secateur.surgery import split_empty


def split_layers(model: nn.Module, ranks: Any) -> None:
    """Split the layers that a plan names, dotted name -> rank; their values are read afterwards.

    Raises:
        ModelError: It is no such mapping, a layer is not there, or a rank is none that the layer can have.
    """
    if not isinstance(ranks, Mapping):
        raise ModelError(f"the plan in `config.json` must have a mapping for `ranks`, but has {ranks!r:.40}")
    layers = factorable(model)
    for name, rank in ranks.items():
        if name not in layers:
            raise ModelError(
                f"the plan in `config.json` must split layers of the model, but `{name!s:.80}` is none; it belongs to "
                f"another model"
            )
        most = min(layers[name].get_parameter("weight").shape[:2])
        if type(rank) is not int or not 0 < rank <= most:
            raise ModelError(
                f"the plan in `config.json` must give `{name}` a rank of 1 to {most}, but gives {rank!r:.40}; it "
                f"belongs to another model"
            )
        split_empty(model, name, rank)
