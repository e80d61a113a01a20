"""What may be removed from a model, and what is tied to it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from torch import nn

from secateur.errors import ModelError, RecipeError
from secateur.families.any_module import weights
from secateur.families.family import Family
from secateur.families.parakeet import PARAKEET
from secateur.group import Group

FAMILIES = {"parakeet": PARAKEET}

__all__ = ["FAMILIES", "Family", "family_of", "find_groups"]


def family_of(model: nn.Module) -> Family:
    """Return the family of a model.

    Raises:
        ModelError: No family knows this model.
    """
    for family in FAMILIES.values():
        if family.matches(model):
            return family
    raise ModelError(
        f"`model` must be of a known family ({', '.join(FAMILIES)}) to lose whole units, but is a "
        f"{type(model).__name__}; any model can be pruned with `granularity: element`"
    )


def find_groups(
    model: nn.Module, granularities: Collection[str], *, include: Sequence[str] = ("*",), exclude: Sequence[str] = ()
) -> list[Group]:
    """Find the groups of `model` at these granularities whose site matches `include` and not `exclude`.

    `Group.inside` names only sites that were found, so whoever reads it need not look further.

    Raises:
        ModelError: A structured granularity was asked for and no family knows the model.
        RecipeError: Nothing is left to prune.
    """
    found = weights(model) if "element" in granularities else []
    if set(granularities) - {"element"}:
        found += [group for group in family_of(model).groups(model) if group.granularity in granularities]
    chosen = [group for group in found if _matches(group.name, include) and not _matches(group.name, exclude)]
    if not chosen:
        sites = ", ".join(group.name for group in found[:3])
        raise RecipeError(
            [
                f"`include` and `exclude` must leave something to prune, but of {len(found)} sites ({sites}, ...) none "
                f"is left; loosen a pattern"
            ]
        )
    names = {group.name for group in chosen}
    return [replace(group, inside=tuple(site for site in group.inside if site in names)) for group in chosen]


def _matches(site: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(site, pattern) for pattern in patterns)
