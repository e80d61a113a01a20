"""A recipe's target, in numbers of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from secateur.allocation import Budget, kept_size, macs_saved, parameters_saved
from secateur.checkpoint import entry_bytes, file_bytes
from secateur.errors import TargetError
from secateur.evaluation import dummy_inputs, macs, nonzero_parameters, parameters, reference_length
from secateur.granularity import empty, zeroed
from secateur.group import Group
from secateur.recipes import Target, Unit


def budget_for(target: Target, model: Any, groups: Sequence[Group], *, field: str = "target") -> Budget:
    """Say how much must go and what each unit saves, in every unit of the target.

    With weights and blocks that become zeros, what is zero in `model` counts as gone, and whatever no mask holds
    counts as not zero: training may move it. Layers in two factors count as the layers that they were. `field` is what
    a recipe calls the target.

    Raises:
        TargetError: The model is already that small.
    """
    first, *others = (
        _budget(unit, target.amount(unit), model, groups, field=f"{field}.{unit}") for unit in target.units
    )
    return replace(first, also=tuple(others))


def _budget(unit: Unit, amount: float, model: Any, groups: Sequence[Group], *, field: str) -> Budget:
    zeros = 0.0
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    if unit == "macs":
        length = reference_length(model)
        by_module = macs(model, dummy_inputs(model, length=length))
        saved = {site: n / length for site, n in macs_saved(groups, by_module).items()}
        whole = by_module[""] / length - _extra(groups, saved)
    elif unit == "bytes":
        saved, whole = _bytes_saved(model, groups), float(file_bytes(model))
    elif unit == "sparsity":
        saved = parameters_saved(groups, sizes)
        whole = sum(group.units * saved[group.name] for group in groups)
        _check_denser(amount, model, groups, saved, whole=whole, field=field)
    else:
        saved = parameters_saved(groups, sizes)
        whole = float(nonzero_parameters(model) if any(map(zeroed, groups)) else parameters(model))
        zeros = parameters(model) - whole
        whole -= _extra(groups, saved)
    kept = kept_size(unit, amount, whole, field=field)
    return Budget(unit=unit, whole=whole, kept=kept, saved=saved, zeros=zeros, field=field)


def _extra(groups: Sequence[Group], saved: Mapping[str, float]) -> float:
    """Return how much larger layers in two factors are than the layers that they were."""
    return sum(group.free * saved[group.name] for group in groups)


def _check_denser(
    sparsity: float, model: Any, groups: Sequence[Group], saved: Mapping[str, float], *, whole: float, field: str
) -> None:
    weights = dict(model.named_parameters())
    have = sum(int(empty(group, weights).sum()) * saved[group.name] for group in groups) / whole
    if 0 < sparsity <= have:
        raise TargetError(f"`{field}` must be above what the model has, {have:.4f}, but is {sparsity:g}; nothing to do")


def _bytes_saved(model: Any, groups: Sequence[Group]) -> dict[str, float]:
    """Return what a unit saves on disk: its numbers, and the header's lines of tensors that go whole."""
    tensors = model.state_dict()
    width = next(model.parameters()).element_size()
    numbers = parameters_saved(groups, {name: tensor.shape for name, tensor in tensors.items()})
    lines = entry_bytes(model)
    return {
        group.name: numbers[group.name] * width
        + sum(lines.get(where.tensor, 0) for where in group.slices if where.dim is None)
        for group in groups
    }
