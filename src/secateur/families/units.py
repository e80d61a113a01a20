"""What one unit takes along: a hidden unit, a head, a channel of a convolution module, a channel between two layers.

A family says how the layers are called; what is tied to what is the same in all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, final

from torch import nn

from secateur.group import Group, Slice

ROWS = ("weight", "bias")
"""What a layer has per output, and a norm per channel."""

STATISTICS = ("running_mean", "running_var")
"""What a batch norm has per channel besides."""


@final
@dataclass(frozen=True, kw_only=True)
class HiddenUnits:
    """A feed-forward unit: its row and bias of the first layer, its column of the last."""

    first: str
    last: str
    factor: str | None = None
    """The layer whose output multiplies that of the first, in a gated feed-forward module."""

    transposed: bool = False
    """Whether weights are (in, out), as GPT-2's are."""

    loose: bool = False
    """Whether the layers are the block's own, without a module around them."""

    def __call__(self, path: str, module: Any, inside: tuple[str, ...]) -> Group:
        """Return the units of the feed-forward module at `path`, or of the block whose layers they are."""
        firsts = [layer for layer in (self.first, self.factor) if layer is not None]
        rows = [row for layer in firsts for row in _rows(f"{path}.{layer}", transposed=self.transposed)]
        out = Slice(tensor=f"{path}.{self.last}.weight", dim=1 - self.transposed, gate=True)
        where = f"{path}.{self.first}" if self.loose else path
        return Group(
            name=f"{where}:ffn_unit",
            granularity="ffn_unit",
            module=where,
            also=(f"{path}.{self.last}",) if self.loose else (),
            units=int(module.get_parameter(f"{self.first}.weight").shape[self.transposed]),
            slices=present(path, module, [*rows, out]),
            inside=inside,
        )


@final
@dataclass(frozen=True, kw_only=True)
class Heads:
    """A head: its rows of every projection into heads, its row of every bias per head, its columns of the last layer.

    Where several heads share one head of keys and values, they leave together. So the number of units is that of the
    projection with the fewest rows, over K; the others have as many more rows per unit.
    """

    projections: tuple[str, ...]
    """Layers with one run of rows per unit; those that a model lacks are passed over."""

    last: str
    width: str
    """The attribute that holds the head dimension K."""

    biases: tuple[str, ...] = ()
    """Parameters with one row per head, shape (H, K)."""

    counts: tuple[str, ...] = ()
    """Where the forward reads a multiple of the number of units: of heads, or of rows."""

    packed: int = 1
    """How many projections lie behind each other in one layer: query, key and value of GPT-2."""

    transposed: bool = False
    """Whether weights are (in, out), as GPT-2's are."""

    def __call__(self, path: str, module: Any, inside: tuple[str, ...]) -> Group:
        """Return the heads of the attention module at `path`."""
        names = [name for name in self.projections if getattr(module, name, None) is not None]
        sizes = {name: module.get_parameter(f"{name}.weight").shape[self.transposed] // self.packed for name in names}
        units = min(sizes.values()) // int(getattr(module, self.width))
        rows = [
            row
            for name, size in sizes.items()
            for part in range(self.packed)
            for row in _rows(f"{path}.{name}", width=size // units, offset=part * size, transposed=self.transposed)
        ]
        columns = sizes[names[0]] // units
        heads = columns // int(getattr(module, self.width))
        biases = [Slice(tensor=f"{path}.{bias}", dim=0, width=heads) for bias in self.biases]
        out = Slice(tensor=f"{path}.{self.last}.weight", dim=1 - self.transposed, width=columns, gate=True)
        return Group(
            name=f"{path}:head",
            granularity="head",
            module=path,
            units=units,
            slices=present(path, module, [*rows, *biases, out]),
            counts=tuple((name, attrgetter(name)(module) // units) for name in self.counts),
            inside=inside,
        )


def _rows(layer: str, *, width: int = 1, offset: int = 0, transposed: bool = False) -> list[Slice]:
    """Return what a layer has per output: a row of its weight, an entry of its bias."""
    weight = Slice(tensor=f"{layer}.weight", dim=int(transposed), width=width, offset=offset)
    return [weight, Slice(tensor=f"{layer}.bias", dim=0, width=width, offset=offset)]


@final
@dataclass(frozen=True, kw_only=True)
class Channels:
    """A channel of a convolution module: both halves of the gated linear unit, filter, norm entry, output column.

    The norm must treat each channel by itself, as a batch norm does. A layer norm takes its mean and variance over all
    channels, so a channel that is gone changes what the others become; a family with one offers no channels there.
    """

    gated: str
    """The layer that a gated linear unit halves: outputs c and C + c are channel c."""

    depthwise: str
    norm: str
    last: str

    def __call__(self, path: str, module: Any, inside: tuple[str, ...]) -> Group:
        """Return the channels of the convolution module at `path`."""
        channels = int(module.get_submodule(self.depthwise).out_channels)
        halves = [
            Slice(tensor=f"{path}.{self.gated}.{tensor}", dim=0, offset=offset)
            for tensor in ROWS
            for offset in (0, channels)
        ]
        filters = _rows(f"{path}.{self.depthwise}")
        norms = [Slice(tensor=f"{path}.{self.norm}.{tensor}", dim=0) for tensor in (*ROWS, *STATISTICS)]
        out = Slice(tensor=f"{path}.{self.last}.weight", dim=1, gate=True)
        return Group(
            name=f"{path}:conv_channel",
            granularity="conv_channel",
            module=path,
            units=channels,
            slices=present(path, module, [*halves, *filters, *norms, out]),
            inside=inside,
        )


def channels_between(
    path: str,
    owner: nn.Module,
    first: str,
    second: str,
    *,
    norms: tuple[str, ...] = (),
    filters: tuple[str, ...] = (),
    width: int = 1,
) -> Group:
    """Return the channels that one layer writes and only a later one reads, in a chain without residual stream.

    A channel is its row and bias of `first`, its entry of each of `norms` and of the depthwise convolutions `filters`
    in between, its `width` consecutive columns of `second`; all are named from `owner`, which lies at `path`. The
    layers' multiply-accumulates shrink in proportion. What is applied in between must treat each channel by itself.

    Two groups of one chain must not share a layer: a matrix that loses a share a of its rows and b of its columns
    shrinks by 1 - (1 - a)(1 - b), which is less than a + b, and a budget adds up what units save.
    """
    where = joined(path, first)
    between = [row for layer in (*norms, *filters) for row in _rows(joined(path, layer))]
    columns = Slice(tensor=f"{joined(path, second)}.weight", dim=1, width=width, gate=True)
    return Group(
        name=f"{where}:conv_channel",
        granularity="conv_channel",
        module=where,
        also=tuple(joined(path, layer) for layer in (*filters, second)),
        units=owner.get_parameter(f"{first}.weight").shape[0],
        slices=present(path, owner, [*_rows(where), *between, columns]),
    )


def unused(path: str, module: nn.Module) -> Group:
    """Return a module that no forward calls, as a group: it leaves without a trace but its size.

    No weight of it reads an output, so criteria that look at gates score it 0.
    """
    return Group(
        name=f"{path}:module",
        granularity="module",
        module=path,
        units=1,
        slices=tuple(Slice(tensor=joined(path, name)) for name in tensors(module)),
    )


def joined(path: str, name: str) -> str:
    """Join dotted names; the whole model's is empty.

    >>> joined("encoder", "layers.0"), joined("", "layers.0")
    ('encoder.layers.0', 'layers.0')
    """
    return f"{path}.{name}" if path else name


def tensors(module: nn.Module) -> list[str]:
    """Name all parameters and buffers."""
    return [name for name, _ in (*module.named_parameters(), *module.named_buffers())]


def present(path: str, module: nn.Module, slices: Iterable[Slice]) -> tuple[Slice, ...]:
    """Leave out tensors that this model does not have: biases and position projections are optional."""
    names = {joined(path, name) for name in tensors(module)}
    return tuple(s for s in slices if s.tensor in names)
