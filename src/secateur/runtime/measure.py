"""Which of several layers that do the same is the fastest, for how many tokens: measured, as a model would run them."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor

ROUNDS: Final = 7
"""Runs of each layer, in turn, of which the shortest counts: what else a machine does makes a run only longer."""

SWEPT: Final = 16 << 20
"""Numbers written before every run, 64 MiB: in a model the caches hold other layers' weights when one's turn comes."""


@torch.inference_mode()
def seconds(layers: Mapping[str, Callable[[Tensor], Any]], tokens: Tensor) -> dict[str, float]:
    """Return the shortest time of each layer with these tokens."""
    sweep = torch.empty(SWEPT)
    found: dict[str, list[float]] = {name: [] for name in layers}
    for layer in layers.values():
        layer(tokens)  # compiles
    for _ in range(ROUNDS):
        for name, layer in layers.items():
            sweep.fill_(1.0)
            start = time.perf_counter()
            layer(tokens)
            found[name].append(time.perf_counter() - start)
    return {name: min(taken) for name, taken in found.items()}
