"""Masks become shapes."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from secateur.granularity import GRANULARITIES
from secateur.group import Group, Masks
from secateur.surgery import conv, linear, norm
from secateur.surgery.attention import renumber, set_count
from secateur.surgery.branch import RemovedBranch
from secateur.surgery.low_rank import merge
from secateur.surgery.put import put

REFIT: Mapping[type[nn.Module], Callable[[Any], None]] = {
    nn.Linear: linear.refit,
    Conv1D: linear.refit_transposed,
    nn.Conv1d: conv.refit,
    nn.Conv2d: conv.refit,
    nn.BatchNorm1d: norm.refit,
    nn.GroupNorm: norm.refit_groups,
}
"""Layer type -> what puts its attributes right after its tensors were cut."""


def shrink(model: nn.Module, groups: Sequence[Group], masks: Masks, *, set_layers: Callable[[Any, int], None]) -> None:
    """Cut masked units out of `model`, in place.

    Works on real weights and on the meta device alike. Sites absent from `masks` are left alone. Elements keep their
    place: for them a mask is all there is. Layers in two factors that gain nothing by it become one again.
    `set_layers` writes the number of remaining layers into the configuration.
    """
    cut = [group for group in groups if group.name in masks and not bool(masks[group.name].all())]
    gone = {group.name for group in cut if not bool(masks[group.name].any())}
    top = [group for group in cut if not gone.intersection(group.inside)]
    _cut_slices(model, [group for group in top if _leaves(group) in ("slice", "component")], masks)
    for group in groups:
        if group.free and group.name in masks and bool(masks[group.name].all()):
            merge(model, group.module)
    for group in top:
        if _leaves(group) == "branch":
            _remove_branch(model, group)
    _remove_layers(model, [group for group in top if _leaves(group) == "layer"], set_layers)


def _leaves(group: Group) -> str:
    return GRANULARITIES[group.granularity].leaves


def _cut_slices(model: nn.Module, groups: Sequence[Group], masks: Masks) -> None:
    rows: dict[str, dict[int, Tensor]] = defaultdict(dict)
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    for group in groups:
        for where in group.slices:
            if where.dim is not None:
                size = tensors[where.tensor].shape[where.dim]
                keep = rows[where.tensor].setdefault(where.dim, torch.ones(size, dtype=torch.bool))
                keep[where.offset : where.offset + group.units * where.width] &= (
                    masks[group.name].cpu().repeat_interleave(where.width)
                )
    for name, by_dim in rows.items():
        _replace(model, name, by_dim)
    for owner in {name.rpartition(".")[0] for name in rows}:
        module = model.get_submodule(owner)
        for kind, refit in REFIT.items():
            if isinstance(module, kind):
                refit(module)
    for group in groups:
        for attribute, each in group.counts:
            set_count(model.get_submodule(group.module), attribute, each * int(masks[group.name].sum()))


def _replace(model: nn.Module, name: str, by_dim: Mapping[int, Tensor]) -> None:
    owner, _, attribute = name.rpartition(".")
    module = model.get_submodule(owner)
    old = getattr(module, attribute)
    new = old.detach()
    for dim, keep in by_dim.items():
        new = new.index_select(dim, keep.nonzero().flatten().to(new.device))
    if isinstance(old, nn.Parameter):
        setattr(module, attribute, nn.Parameter(new.contiguous(), requires_grad=old.requires_grad))
    else:
        module.register_buffer(attribute, new.contiguous(), persistent=attribute not in _volatile(module))


def _volatile(module: nn.Module) -> set[str]:
    return getattr(module, "_non_persistent_buffers_set", set())


def _remove_branch(model: nn.Module, group: Group) -> None:
    layer = getattr(model.get_submodule(group.module), "layer_idx", None)
    put(model, group.module, RemovedBranch(group.outputs, layer=layer))
    for dropped in group.drops:
        put(model, dropped, nn.Identity())


def _remove_layers(model: nn.Module, groups: Sequence[Group], set_layers: Callable[[Any, int], None]) -> None:
    if not groups:
        return
    owner = groups[0].module.rpartition(".")[0]
    gone = {int(group.module.rpartition(".")[2]) for group in groups}
    layers = model.get_submodule(owner)
    assert isinstance(layers, nn.ModuleList)
    kept = nn.ModuleList([layer for i, layer in enumerate(layers) if i not in gone])
    for i, layer in enumerate(kept):
        renumber(layer, i)
    parent, _, attribute = owner.rpartition(".")
    setattr(model.get_submodule(parent), attribute, kept)
    set_layers(model, len(kept))
