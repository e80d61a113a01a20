"""Products of layers with tokens (M, K), whatever the layers are, in memory that is kept."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from secateur.runtime.choice import Chosen
from secateur.runtime.groups import padded
from secateur.runtime.linear import SparseLinear, SparsePointwise
from secateur.runtime.rooms import Array, Room


def layer_for(layer: Any, tokens: int) -> Any:
    """Return the layer that multiplies so many tokens, of one that chooses by their number or takes channels first."""
    if isinstance(layer, Chosen):
        layer = layer.layer_for(tokens)
    return layer.linear if isinstance(layer, SparsePointwise) else layer


def multiply(layers: Sequence[Any], tokens: Array, room: Room, *, name: str) -> list[Array]:
    """Return the product of each layer with the same tokens (M, K), which are arranged once for all of a kind.

    What is returned may lie in the room below names that begin with `name`.
    """
    arranged: dict[tuple[Any, ...], Any] = {}
    found: list[Array] = []
    for at, layer in enumerate(layer_for(layer, len(tokens)) for layer in layers):
        if not isinstance(layer, SparseLinear):
            found.append(_dense(layer, tokens))
            continue
        product = layer.product
        if product.kind not in arranged:
            arranged[product.kind] = product.arrange(tokens)
        place = room.take(f"{name} {at}", padded(len(tokens)), product.rows)
        found.append(product(arranged[product.kind], len(tokens), room=place))
    return found


def _dense(layer: Any, tokens: Array) -> Array:
    x = torch.from_numpy(tokens)
    if isinstance(layer, nn.Conv1d):
        return functional.linear(x, layer.weight[:, :, 0], layer.bias).detach().numpy()
    return layer(x).detach().contiguous().numpy()
