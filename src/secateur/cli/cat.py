"""``secateur cat``: print a shipped recipe or sweep."""

from typing import Annotated

import typer

from secateur.recipes.shipped import find

EXAMPLES = """Examples:

secateur cat prune-half

secateur cat prune-half > mine.yaml"""


def cat(name: Annotated[str, typer.Argument(help="A shipped recipe or sweep; `secateur ls` lists them.")]) -> None:
    """Print a shipped recipe or sweep, comments and all."""
    print(find(name).read_text(encoding="utf-8"), end="")
