"""`plan.json`, and the part of it that `config.json` needs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from secateur.errors import ModelError
from secateur.granularity import GRANULARITIES, zeroed
from secateur.group import Group, Masks
from secateur.whole_file import write_whole

SCHEMA = 1

MAX_UNITS = 1 << 24
"""More units at one site than any model has: a larger number in a plan is an error or an attack."""


def write(path: Path, groups: Sequence[Group], masks: Masks, *, family: str | None) -> None:
    """Write `plan.json`: per site its granularity, module, units and the indices kept; of zeros only how many stay.

    `family` is ``None`` for a model of none, whose weights became zeros.
    """
    sites = [_site(group, masks.get(group.name, torch.ones(group.units, dtype=torch.bool))) for group in groups]
    known = {} if family is None else {"family": family}
    write_whole(path, json.dumps({"schema": SCHEMA, **known, "sites": sites}) + "\n")


def _site(group: Group, mask: Tensor) -> dict[str, Any]:
    site = {"name": group.name, "granularity": group.granularity, "module": group.module, "units": group.units}
    if zeroed(group):
        return {**site, "kept_count": int(mask.sum())}
    return {**site, "kept": mask.nonzero().flatten().tolist()}


def shapes(groups: Sequence[Group]) -> dict[str, int]:
    """Return the number of units of every site that tells what has left.

    Those are sites whose units are cut from tensors, and branches that hold none: a branch that is gone has no site.
    """
    return {group.name: group.units for group in _telling(groups)}


def _telling(groups: Sequence[Group]) -> list[Group]:
    holders = {site for group in groups if _leaves(group) == "slice" for site in group.inside}
    return [
        group
        for group in groups
        if _leaves(group) == "slice" or (_leaves(group) == "branch" and group.name not in holders)
    ]


def _leaves(group: Group) -> str:
    return GRANULARITIES[group.granularity].leaves


def masks_for(groups: Sequence[Group], wanted: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return masks that bring a model of full size to the number of units `wanted` per site.

    Which units are kept does not matter for shapes: the first ones are. A site that is not named has left with its
    whole branch; one that is in no branch is whole, and was not known when the plan was written.

    Raises:
        ModelError: The plan names a site that the model lacks, or not a number of units that it can have.
    """
    have = {group.name: group for group in _telling(groups)}
    for site, units in wanted.items():
        if site not in have:
            raise ModelError(
                f"the plan in `config.json` must name sites of the model, but `{site}` is none; "
                f"it belongs to another model"
            )
        most = min(have[site].units, MAX_UNITS)
        if type(units) is not int or not 0 < units <= most:
            raise ModelError(
                f"the plan in `config.json` must keep 1 to {most} units of `{site}`, but keeps {units!r}; "
                f"it belongs to another model"
            )
    unnamed = {site: 0 if group.inside or group.units == 1 else group.units for site, group in have.items()}
    masks = {site: torch.arange(group.units) < wanted.get(site, unnamed[site]) for site, group in have.items()}
    branches = {group.name for group in groups if _leaves(group) == "branch"}
    lost = {site for name, group in have.items() if name not in wanted for site in group.inside if site in branches}
    return masks | {site: torch.zeros(1, dtype=torch.bool) for site in lost}
