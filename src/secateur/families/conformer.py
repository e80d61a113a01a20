"""What the Conformers have in common: blocks of residual branches, which leave whole or unit by unit.

A block is ``x + w * branch(norm(x))``, several times over, and a norm. A family names the attributes.

Source: Gulati et al. 2020, "Conformer" (arXiv 2005.08100).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

from torch import nn

from secateur.families.units import joined, tensors
from secateur.group import Group, Slice

UnitsOf = Callable[[str, Any, tuple[str, ...]], Group]
"""(path, module, inside) -> the module's units; see `units`."""


@final
@dataclass(frozen=True, kw_only=True)
class Branch:
    """A residual branch: what it computes is added to the stream, so without it the stream flows on."""

    name: str
    """The block's attribute."""

    kind: type[nn.Module]
    """The branch's class: what stands there otherwise is no branch (any more)."""

    last: str
    """The layer whose output is added to the stream."""

    units: UnitsOf | None = None
    """What builds the units inside, where some can leave by themselves."""

    norm: str | None = None
    """The block's attribute with the norm in front, where that is not part of the branch."""

    outputs: int = 1
    """How many values the branch returns."""

    whole: bool = True
    """Whether all of the branch can leave at once."""


@final
@dataclass(frozen=True, kw_only=True)
class Block:
    """A module with residual branches."""

    kind: type[nn.Module]
    branches: tuple[Branch, ...]
    """In the order of its forward."""

    leaves: bool = True
    """Whether all of it can leave: it maps the residual stream to the same shape, and the configuration counts it."""


@final
@dataclass(frozen=True, kw_only=True)
class Conformer:
    """The attribute names of one family, and what follows from them."""

    encoder: type[nn.Module]
    """The module with the configuration and the blocks."""

    blocks: tuple[Block, ...]

    def matches(self, model: nn.Module) -> bool:
        """Whether `model` contains such an encoder."""
        return any(isinstance(module, self.encoder) for module in model.modules())

    def groups(self, model: nn.Module) -> list[Group]:
        """Return every head, feed-forward unit, convolution channel, residual branch and block.

        Blocks stay where the model weighs them one by one, as classifiers with ``use_weighted_layer_sum`` do.
        """
        counted = hasattr(model, "layer_weights")
        return [
            group
            for name, module, block in self._found(model)
            for group in _block_groups(name, module, block, leaves=block.leaves and not counted)
        ]

    def set_layers(self, model: Any, layers: int) -> None:
        """Write the number of blocks into the configurations: the model's (or the one nested in it), the encoder's."""
        for config in (getattr(model.config, "encoder_config", model.config), self.config(model)):
            config.num_hidden_layers = layers

    def config(self, model: nn.Module) -> Any:
        """Return the encoder's configuration."""
        return next(module for module in model.modules() if isinstance(module, self.encoder)).config

    def feed_forward_width(self, model: nn.Module) -> int | None:
        """Return the width of all feed-forward modules, where one number says it all.

        That is: they have one width, every branch is there, and heads and channels are as many as the configuration
        ties to the model's width.
        """
        config = self.config(model)
        whole = {"head": config.num_attention_heads, "conv_channel": config.hidden_size}
        widths: set[int] = set()
        for name, module, block in self._found(model):
            for branch in block.branches:
                found = getattr(module, branch.name)
                if found is not None and not isinstance(found, branch.kind):
                    return None
                if found is None or branch.units is None:
                    continue
                group = branch.units(joined(name, branch.name), found, ())
                if group.granularity == "ffn_unit":
                    widths.add(group.units)
                elif group.units != whole[group.granularity]:
                    return None
        return widths.pop() if len(widths) == 1 else None

    def _found(self, model: nn.Module) -> Iterator[tuple[str, nn.Module, Block]]:
        for name, module in model.named_modules():
            for block in self.blocks:
                if isinstance(module, block.kind):
                    yield name, module, block


def _block_groups(name: str, module: nn.Module, block: Block, *, leaves: bool) -> Iterator[Group]:
    inside: tuple[str, ...] = ()
    if leaves:
        yield _layer(name, module, block)
        inside = (f"{name}:layer",)
    for branch in block.branches:
        found = getattr(module, branch.name)
        if not isinstance(found, branch.kind):
            continue
        path = joined(name, branch.name)
        outer = inside
        if branch.whole:
            yield _whole(path, found, branch, name=name, block=module, inside=inside)
            outer = (f"{path}:module", *inside)
        if branch.units is not None:
            yield branch.units(path, found, outer)


def _layer(name: str, module: nn.Module, block: Block) -> Group:
    lasts = tuple(f"{branch.name}.{branch.last}." for branch in block.branches)
    return Group(
        name=f"{name}:layer",
        granularity="layer",
        module=name,
        units=1,
        slices=tuple(Slice(tensor=f"{name}.{t}", gate=t.startswith(lasts)) for t in tensors(module)),
    )


def _whole(
    path: str, module: nn.Module, branch: Branch, *, name: str, block: nn.Module, inside: tuple[str, ...]
) -> Group:
    """A branch as a whole, with the norm in front of it."""
    own = [Slice(tensor=f"{path}.{t}", gate=t.startswith(f"{branch.last}.")) for t in tensors(module)]
    norms: list[Slice] = []
    drops: tuple[str, ...] = ()
    if branch.norm is not None:
        drops = (joined(name, branch.norm),)
        norms = [Slice(tensor=f"{drops[0]}.{t}") for t in tensors(block.get_submodule(branch.norm))]
    return Group(
        name=f"{path}:module",
        granularity="module",
        module=path,
        units=1,
        slices=(*own, *norms),
        inside=inside,
        drops=drops,
        outputs=branch.outputs,
    )
