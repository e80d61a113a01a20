"""``secateur validate``: is a recipe right, and what does it say once resolved?"""

import sys
from typing import Annotated

import typer

from secateur.recipes.load import dump, load, verb_of
from secateur.recipes.rules import Verb

EXAMPLES = """Examples:

secateur validate mine.yaml

secateur validate prune-half target.params=0.4 schedule.end=0.5

secateur validate mine.yaml --verb plan"""


def validate(
    file: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped recipe.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Recipe fields by their dotted paths.")
    ] = None,
    verb: Annotated[
        Verb | None, typer.Option(help="What the recipe is for; where absent, prune if it has a target, else train.")
    ] = None,
) -> None:
    """Print a recipe as resolved, or everything that is wrong with it."""
    changes = overrides or []
    verb = verb or verb_of(file, changes)
    print(dump(load(file, changes, verb=verb)), end="")
    print(f"valid for `secateur {verb}`", file=sys.stderr)
