"""A layer becomes two, and one again."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from secateur.families.low_rank import KINDS, LowRank, matrix_of
from secateur.surgery.put import put


def split(model: nn.Module, path: str, first: Tensor, last: Tensor) -> None:
    """Put two factors, (R, in) and (out, R), in the place of the layer at `path`; it keeps its bias."""
    layer = model.get_submodule(path)
    pair = _empty_pair(layer, rank=len(first)).to(first)
    with torch.no_grad():
        matrix_of(pair.first).copy_(first)
        matrix_of(pair.last).copy_(last)
        _copy_bias(layer, pair.last)
    _replace(model, path, pair)


def split_empty(model: nn.Module, path: str, rank: int) -> None:
    """Put two factors of `rank` without values in the place of the layer at `path`, on its device."""
    layer = model.get_submodule(path)
    _replace(model, path, _empty_pair(layer, rank=rank).to(layer.get_parameter("weight")))


def merge(model: nn.Module, path: str) -> None:
    """Put the layer at `path` together again: its matrix is the product of its factors."""
    pair = model.get_submodule(path)
    assert isinstance(pair, LowRank)
    layer = _whole(pair).to(pair.weight)
    with torch.no_grad():
        layer.weight.copy_(pair.weight)
        _copy_bias(pair.last, layer)
    _replace(model, path, layer)


def ranks(model: nn.Module) -> dict[str, int]:
    """Return the rank of every layer in two factors, by dotted name."""
    found = {name: module for name, module in model.named_modules() if isinstance(module, LowRank)}
    return {name: len(pair.first.get_parameter("weight")) for name, pair in found.items()}


@contextmanager
def whole(model: nn.Module) -> Generator[None]:
    """Let layers in two factors look as one each, without values, for whoever reads shapes."""
    pairs = {name: model.get_submodule(name) for name in ranks(model)}
    for name, pair in pairs.items():
        put(model, name, _whole(cast("LowRank", pair)).to("meta"))
    try:
        yield
    finally:
        for name, pair in pairs.items():
            put(model, name, pair)


def _empty_pair(layer: nn.Module, *, rank: int) -> LowRank:
    kind = KINDS[type(layer)]
    outputs, inputs = matrix_of(layer).shape
    first, last = kind.factor(inputs, rank, False), kind.factor(rank, outputs, _has_bias(layer))
    return LowRank(first, last, was=type(layer))


def _whole(pair: LowRank) -> Any:
    inputs, outputs = matrix_of(pair.first).shape[1], matrix_of(pair.last).shape[0]
    with torch.device("meta"):
        layer = KINDS[pair.was].make(inputs, outputs, _has_bias(pair.last))
    return layer.to_empty(device=pair.first.get_parameter("weight").device)


def _has_bias(layer: nn.Module) -> bool:
    return "bias" in dict(layer.named_parameters())


def _copy_bias(here: nn.Module, there: nn.Module) -> None:
    if _has_bias(here):
        there.get_parameter("bias").copy_(here.get_parameter("bias"))


def _replace(model: nn.Module, path: str, new: nn.Module) -> None:
    old = model.get_submodule(path)
    new.requires_grad_(next(old.parameters()).requires_grad)
    put(model, path, new)
