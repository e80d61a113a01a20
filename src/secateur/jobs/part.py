"""A part of a recipe by its name: one of ours, or code from outside."""

import importlib
from collections.abc import Mapping
from typing import Any

from secateur.errors import RecipeError
from secateur.recipes import Named

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "criterion": ("needs_gradient", "gate_only", "elements", "units"),
    "allocation": ("__call__",),
    "schedule": ("end", "share"),
}
"""Axis -> what its protocol asks of a part."""


def build(axis: str, table: Mapping[str, Any], part: Named, *, defaults: Mapping[str, Any] | None = None) -> Any:
    """Make a part with the options that the recipe gives it, over `defaults`.

    Raises:
        RecipeError: There is no such part, it does not take the options, or it is not of this axis.
    """
    make = table.get(part.name) or _from_outside(axis, part.name)
    try:
        made = make(**{**(defaults or {}), **part.options})
    except TypeError as error:
        raise RecipeError([f"`{axis}` must have options that `{part.name}` takes, but {error}"]) from None
    missing = [name for name in ANSWERS[axis] if not hasattr(made, name)]
    if missing:
        raise RecipeError(
            [
                f"`{axis}` must name a class whose objects have {', '.join(ANSWERS[axis])}, but those of `{part.name}` "
                f"lack {', '.join(missing)}; see `secateur ls {axis}` for ours"
            ]
        )
    return made


def _from_outside(axis: str, path: str) -> Any:
    """Import ``package.module:Name`` or ``package.module.Name``."""
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise RecipeError([f"`{axis}` must name a part or importable code, but `{path}` is neither: {error}"]) from None
