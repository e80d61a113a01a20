"""The kernel of a layer, by how many tokens come at once."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Final, final

from torch import Tensor, nn

SAME: Final = 1.05
"""How many times as long as the best one kernel may take at every number of tokens, to be taken alone."""

DENSE: Final = "dense"
"""The layer as it was."""


@final
@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen for a layer, and why."""

    layer: str
    """Its dotted name."""

    shape: tuple[int, int]
    """Outputs and inputs of its matrix."""

    zeros: float
    """The share of its weights that are zero."""

    kernels: Mapping[int, str]
    """Number of tokens -> the kernel that takes them; of a single entry, it takes any."""

    seconds: Mapping[str, Mapping[int, float]]
    """Kernel -> number of tokens -> how long it took; empty where nothing was measured."""

    nbytes: int
    """What the weights take in memory, of all kernels that are held."""


def fastest(seconds: Mapping[str, Mapping[int, float]]) -> dict[int, str]:
    """Return the fastest kernel for every number of tokens; one alone where it is as good as the fastest everywhere.

    >>> fastest({"mask int8": {1: 1.0, 16: 9.0}, "dense": {1: 4.0, 16: 4.0}})
    {1: 'mask int8', 16: 'dense'}
    >>> fastest({"mask int8": {1: 1.0, 16: 4.1}, "dense": {1: 4.0, 16: 4.0}})
    {1: 'mask int8'}
    """
    counts = sorted(next(iter(seconds.values())))
    best = {count: min(seconds, key=lambda kernel: seconds[kernel][count]) for count in counts}
    alone = [
        kernel
        for kernel, taken in seconds.items()
        if all(taken[count] <= SAME * seconds[best[count]][count] for count in counts)
    ]
    if alone:
        return {counts[0]: min(alone, key=lambda kernel: sum(seconds[kernel].values()))}
    return best


@final
class Chosen(nn.Module):
    """Layers that do the same, of which the number of tokens decides which one is called."""

    def __init__(self, layers: Mapping[str, nn.Module], kernels: Mapping[int, str], *, in_features: int) -> None:
        """Hold a layer per kernel; a number of tokens goes to the nearest, by ratio, that was measured."""
        super().__init__()
        self.in_features, names = in_features, list(layers)
        self.layers = nn.ModuleList(layers.values())
        counts = sorted(kernels)
        self._limits = limits(counts)
        self._layers = [self.layers[names.index(kernels[count])] for count in counts]

    def forward(self, tokens: Tensor) -> Tensor:
        """Call the layer for so many tokens."""
        return self.layer_for(tokens.numel() // self.in_features)(tokens)

    def layer_for(self, tokens: int) -> nn.Module:
        """Return the layer that takes so many tokens."""
        return self._layers[bisect_left(self._limits, tokens)]


def limits(counts: Sequence[int]) -> list[float]:
    """Return the geometric mean of every two neighbours.

    >>> limits([1, 16, 256])
    [4.0, 64.0]
    """
    return [sqrt(one * other) for one, other in pairwise(counts)]
