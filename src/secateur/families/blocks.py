"""What Transformers and Conformers have in common: blocks of residual branches, which leave whole or unit by unit.

A block is ``x + w * branch(norm(x))``, several times over, in a Conformer with a norm at the end. A family names the
attributes.

Source: Vaswani et al. 2017, "Attention is all you need" (arXiv 1706.03762); Gulati et al. 2020, "Conformer" (arXiv
2005.08100).
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

    last: str = ""
    """The layer whose output is added to the stream; the branch itself unless given."""

    units: UnitsOf | None = None
    """What builds the units inside, where some can leave by themselves."""

    norm: str | None = None
    """The block's attribute with the norm in front, where that is not part of the branch."""

    outputs: int = 1
    """How many values the branch returns."""

    whole: bool = True
    """Whether all of the branch can leave at once."""

    parts: tuple[str, ...] = ()
    """The block's attributes that belong to the branch besides, where no module holds all of it."""

    def gates(self, tensor: str) -> bool:
        """Whether a tensor of the branch, by its name there, is of its last layer."""
        return tensor.startswith(f"{self.last}.") if self.last else True

    def units_of(self, name: str, block: nn.Module, inside: tuple[str, ...]) -> Group:
        """Return its units, in the block at `name`."""
        assert self.units is not None
        if self.parts:
            return self.units(name, block, inside)
        return self.units(joined(name, self.name), getattr(block, self.name), inside)


@final
@dataclass(frozen=True, kw_only=True)
class Block:
    """A module with residual branches."""

    kind: type[nn.Module]
    branches: tuple[Branch, ...]
    """In the order of its forward."""

    leaves: bool = True
    """Whether all of it can leave: it maps the residual stream to the same shape, and the configuration counts it."""

    norm_first: Callable[[Any], bool] = lambda _: True
    """(block) -> whether the norms stand in front of the branches; behind, they normalize the stream, and stay."""


@final
@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The attribute names of one family, and what follows from them."""

    encoder: type[nn.Module]
    """The module with the configuration and the blocks."""

    blocks: tuple[Block, ...]

    numbered: str | None = None
    """The field of the configuration with which the number of a block says how it computes, if there is one."""

    def matches(self, model: nn.Module) -> bool:
        """Whether `model` contains such an encoder."""
        return any(isinstance(module, self.encoder) for module in model.modules())

    def groups(self, model: nn.Module) -> list[Group]:
        """Return every head, feed-forward unit, convolution channel, residual branch and block.

        Blocks stay where the model weighs them one by one, as classifiers with ``use_weighted_layer_sum`` do, or where
        they are `numbered`: behind a gap they would be others, in memory and once loaded again.
        """
        numbered = self.numbered is not None and getattr(self.config(model), self.numbered)
        counted = hasattr(model, "layer_weights") or numbered
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
        keys = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        whole = {"head": min(keys, config.num_attention_heads), "conv_channel": config.hidden_size}
        widths: set[int] = set()
        for name, module, block in self._found(model):
            for branch in block.branches:
                found = getattr(module, branch.name)
                if found is not None and not isinstance(found, branch.kind):
                    return None
                if found is None or branch.units is None:
                    continue
                group = branch.units_of(name, module, ())
                if group.granularity == "ffn_unit":
                    widths.add(group.units)
                elif group.units != whole[group.granularity]:
                    return None
        return widths.pop() if len(widths) == 1 else None

    def widths_in(self, field: str) -> Callable[[Any], dict[str, Any] | None]:
        """Return what writes that width into this field of a configuration, where it describes the model whole."""

        def widths(model: Any) -> dict[str, Any] | None:
            width = self.feed_forward_width(model)
            return None if width is None else {field: width}

        return widths

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
            yield _whole(name, module, branch, norm=block.norm_first(module), inside=inside)
            outer = (f"{path}:module", *inside)
        if branch.units is not None:
            yield branch.units_of(name, module, outer)


def _layer(name: str, module: nn.Module, block: Block) -> Group:
    slices = [
        Slice(tensor=f"{name}.{tensor}", gate=any(_gates(branch, tensor) for branch in block.branches))
        for tensor in tensors(module)
    ]
    return Group(name=f"{name}:layer", granularity="layer", module=name, units=1, slices=tuple(slices))


def _gates(branch: Branch, tensor: str) -> bool:
    """Whether a tensor of a block is of the last layer of one of its branches."""
    return tensor.startswith(f"{branch.name}.") and branch.gates(tensor.removeprefix(f"{branch.name}."))


def _whole(name: str, block: nn.Module, branch: Branch, *, norm: bool, inside: tuple[str, ...]) -> Group:
    """A branch as a whole, with the norm in front of it."""
    path = joined(name, branch.name)
    beside = (*branch.parts, *((branch.norm,) if branch.norm is not None and norm else ()))
    own = [Slice(tensor=f"{path}.{t}", gate=branch.gates(t)) for t in tensors(getattr(block, branch.name))]
    others = [Slice(tensor=f"{joined(name, part)}.{t}") for part in beside for t in tensors(block.get_submodule(part))]
    return Group(
        name=f"{path}:module",
        granularity="module",
        module=path,
        also=tuple(joined(name, part) for part in branch.parts),
        units=1,
        slices=(*own, *others),
        inside=inside,
        drops=tuple(joined(name, part) for part in beside),
        outputs=branch.outputs,
    )
