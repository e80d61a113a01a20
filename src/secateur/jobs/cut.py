"""What is masked leaves the model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from secateur.allocation import Budget
from secateur.checkpoint import write_plan
from secateur.families import family_of
from secateur.group import Group, Masks
from secateur.jobs import folder
from secateur.jobs.target import target_report
from secateur.surgery import shrink


def cut_out(model: Any, groups: Sequence[Group], masks: Masks, budget: Budget, *, out: Path) -> dict[str, Any]:
    """Cut masked units out of `model`, write the plan into `out`; return the size wanted and reached."""
    family = family_of(model)
    shrink(model, groups, masks, set_layers=family.set_layers)
    write_plan(out / folder.PLAN, groups, masks, family=family.name)
    return target_report(budget, model, masks, groups)
