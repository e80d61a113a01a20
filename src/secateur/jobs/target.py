"""The target wanted and reached."""

from collections.abc import Sequence
from typing import Any

from secateur.allocation import DENOMINATORS, Budget
from secateur.checkpoint import file_bytes
from secateur.evaluation import macs_per_unit, nonzero_parameters, parameters
from secateur.granularity import zeroed
from secateur.group import Group, Masks


def target_report(budget: Budget, small: Any, masks: Masks, groups: Sequence[Group]) -> dict[str, Any]:
    """Compare the size wanted with that of the small model, both as shares kept of the dense one, unit by unit."""
    found = _one_unit(budget, small, masks, groups)
    others = [_one_unit(bound, small, masks, groups) for bound in budget.also]
    return {**found, "also": others} if others else found


def _one_unit(budget: Budget, small: Any, masks: Masks, groups: Sequence[Group]) -> dict[str, Any]:
    reached = size_reached(budget, small, masks, groups)
    return {
        "unit": budget.unit,
        "kept": budget.kept / budget.whole,
        "of": DENOMINATORS[budget.unit],
        "reached": reached / budget.whole,
        "wanted_absolute": budget.kept,
        "reached_absolute": reached,
        "dense_absolute": budget.whole,
    }


def size_reached(budget: Budget, small: Any, masks: Masks, groups: Sequence[Group]) -> float:
    """Return the small model's size in the budget's unit."""
    if budget.unit == "macs":
        return macs_per_unit(small)
    if budget.unit == "bytes":
        return float(file_bytes(small))
    if budget.unit == "sparsity":
        return sum(int(masks[group.name].sum()) * budget.saved[group.name] for group in groups)
    return float(nonzero_parameters(small) if any(map(zeroed, groups)) else parameters(small))
