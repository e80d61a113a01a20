"""Weights in patterns that kernels know, in any `nn.Module`: N of M consecutive inputs, and tiles. Needs no family."""

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Final

import torch
from torch import nn

from secateur.errors import RecipeError
from secateur.families.any_module import Weight, own_weights, weight_group
from secateur.group import Group, Runs

N_OF_M: Final = (2, 4)
"""Of how many neighbours how many stay: what sparse tensor cores multiply (Mishra et al. 2021, arXiv 2104.08378)."""

BLOCK: Final = (16, 4)
"""Outputs and inputs of a tile: one vector instruction on bytes adds to 16 sums four products each (AVX-512 VNNI)."""

LAYER: Final = re.compile(r"(?<![^.])\d+(?=\.)")
"""The number of a layer within a name."""

logger = logging.getLogger(__name__)


def runs(model: nn.Module, n_of_m: tuple[int, int], *, wanted: Callable[[str], bool]) -> list[Group]:
    """One group per weight whose inputs are a multiple of M, one unit per element, N of each M inputs to stay.

    Consecutive inputs are those of one output, and of one position of a filter. Weights that do not fit and whose
    sites are `wanted` are told once.

    Raises:
        RecipeError: No weight fits.
    """
    stay, of = n_of_m
    groups = [
        weight_group(weight, "n_of_m", units=size.numel(), runs=Runs(stay=stay, of=of, stride=prod(size[inputs + 1 :])))
        for weight, size, inputs in _sizes(model)
        if size[inputs] % of == 0
    ]
    _tell(model, groups, granularity="n_of_m", shape=n_of_m, wanted=wanted)
    return groups


def tiles(model: nn.Module, block: tuple[int, int], *, wanted: Callable[[str], bool]) -> list[Group]:
    """One group per weight that tiles of `block` outputs and inputs fill; each position of a filter has its own.

    Weights that do not fit and whose sites are `wanted` are told once.

    Raises:
        RecipeError: No weight fits.
    """
    groups: list[Group] = []
    for weight, size, inputs in _sizes(model):
        tile = block if inputs == 1 else (block[1], block[0])
        if size[0] % tile[0] == 0 and size[1] % tile[1] == 0:
            groups.append(weight_group(weight, "block", units=size.numel() // prod(tile), block=tile))
    _tell(model, groups, granularity="block", shape=block, wanted=wanted)
    return groups


def _sizes(model: nn.Module) -> Iterator[tuple[Weight, torch.Size, int]]:
    """Give every weight, its shape and the axis of that which counts inputs."""
    for weight in own_weights(model):
        yield weight, model.get_parameter(weight.tensor).shape, weight.inputs


def _tell(
    model: nn.Module, groups: list[Group], *, granularity: str, shape: tuple[int, int], wanted: Callable[[str], bool]
) -> None:
    """Say which weights stay whole."""
    fitting = {group.slices[0].tensor for group in groups}
    shapes = {weight.tensor: model.get_parameter(weight.tensor).shape for weight in own_weights(model)}
    if not fitting:
        raise RecipeError(
            [
                f"`{granularity}` must fit the shape of some weight of the model, but is {list(shape)}, which fits "
                f"none of {', '.join(_listed(list(shapes.items())))}; choose smaller numbers, or another granularity"
            ]
        )
    others = [name for name in shapes if name not in fitting and wanted(f"{name}:{granularity}")]
    if others:
        logger.warning(
            "%d of %d weights stay whole, since `%s: %s` does not fit their shapes: %s",
            len(others),
            len(shapes),
            granularity,
            list(shape),
            ", ".join(_listed([(name, shapes[name]) for name in others])),
        )


def _listed(weights: Sequence[tuple[str, torch.Size]]) -> list[str]:
    """Name all weights, those of one place and shape in all layers at once.

    >>> _listed([("layers.0.conv", torch.Size([8, 1, 9])), ("layers.1.conv", torch.Size([8, 1, 9]))])
    ['2 layers.*.conv (8 x 1 x 9)']
    """
    alike: dict[tuple[str, torch.Size], list[str]] = defaultdict(list)
    for name, shape in weights:
        alike[LAYER.sub("*", name), shape].append(name)
    return [
        f"{names[0] if len(names) == 1 else f'{len(names)} {place}'} ({' x '.join(map(str, shape))})"
        for (place, shape), names in alike.items()
    ]
