"""``secateur ls``: the recipes, the sweeps, and the parts that a recipe may name."""

from collections.abc import Iterator
from typing import Annotated

import typer

from secateur.errors import RequestError
from secateur.recipes.names import AXES
from secateur.recipes.sentences import listed, nearest, shown
from secateur.recipes.shipped import describe, shipped, sweeps

EXAMPLES = """Examples:

secateur ls

secateur ls recipes

secateur ls criterion"""

FILES = {"recipes": shipped, "sweeps": sweeps}
"""What comes along as files."""

LISTED = (*FILES, *AXES)


def ls(
    axis: Annotated[str | None, typer.Argument(help=f"One of {', '.join(LISTED)}; all of them where absent.")] = None,
) -> None:
    """List the recipes, the sweeps, and the parts that a recipe may name."""
    chosen = [_known(axis)] if axis is not None else LISTED
    print("\n\n".join("\n".join(_section(name)) for name in chosen))


def _known(axis: str) -> str:
    if axis in LISTED:
        return axis
    best = nearest(axis, LISTED)
    advice = f"; did you mean {best}?" if best else ""
    raise RequestError(f"`AXIS` must be {listed(LISTED)}, but is {shown(axis)}{advice}")


def _section(name: str) -> Iterator[str]:
    yield name
    rows = {file: describe(file) for file in FILES[name]()} if name in FILES else AXES[name].built
    width = max(map(len, rows))
    yield from (f"  {row:<{width}}  {line}" for row, line in rows.items())
    if name in AXES:
        yield from _remarks(name)


def _remarks(name: str) -> Iterator[str]:
    if AXES[name].outside:
        yield "  or your own, by dotted path: package.module:Name"
