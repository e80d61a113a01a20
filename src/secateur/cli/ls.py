"""``secateur ls``: the recipes, and the parts that a recipe may name."""

from collections.abc import Iterator
from typing import Annotated

import typer

from secateur.errors import RequestError
from secateur.recipes.names import AXES
from secateur.recipes.sentences import listed, nearest, shown
from secateur.recipes.shipped import describe, shipped

EXAMPLES = """Examples:

secateur ls

secateur ls recipes

secateur ls criterion"""

RECIPES = "recipes"


def ls(
    axis: Annotated[
        str | None, typer.Argument(help=f"One of {RECIPES}, {', '.join(AXES)}; all of them where absent.")
    ] = None,
) -> None:
    """List the recipes, and the parts that a recipe may name."""
    chosen = [_known(axis)] if axis is not None else [RECIPES, *AXES]
    print("\n\n".join("\n".join(_section(name)) for name in chosen))


def _known(axis: str) -> str:
    axes = [RECIPES, *AXES]
    if axis in axes:
        return axis
    best = nearest(axis, axes)
    advice = f"; did you mean {best}?" if best else ""
    raise RequestError(f"`AXIS` must be {listed(axes)}, but is {shown(axis)}{advice}")


def _section(name: str) -> Iterator[str]:
    yield name
    rows = {recipe: describe(recipe) for recipe in shipped()} if name == RECIPES else AXES[name].built
    width = max(map(len, rows))
    yield from (f"  {row:<{width}}  {line}" for row, line in rows.items())
    if name != RECIPES:
        yield from _remarks(name)


def _remarks(name: str) -> Iterator[str]:
    if AXES[name].outside:
        yield "  or your own, by dotted path: package.module:Name"
    if AXES[name].later:
        yield f"  not built yet: {', '.join(AXES[name].later)}"
