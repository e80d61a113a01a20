"""``secateur cat``: print a shipped recipe."""

from typing import Annotated

import typer

from secateur.recipes.shipped import find

EXAMPLES = """Examples:

secateur cat prune-half

secateur cat prune-half > mine.yaml"""


def cat(name: Annotated[str, typer.Argument(help="A shipped recipe; `secateur ls recipes` lists them.")]) -> None:
    """Print a shipped recipe, comments and all."""
    print(find(name).read_text(encoding="utf-8"), end="")
