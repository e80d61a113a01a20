"""``secateur validate``: is a recipe or a sweep right, and what does it say once resolved?"""

import sys
from typing import Annotated

import typer

from secateur.errors import RequestError
from secateur.recipes import Verb, cells, dump, dump_sweep, is_sweep, load, load_sweep, verb_of

EXAMPLES = """Examples:

secateur validate mine.yaml

secateur validate prune-half target.params=0.4 schedule.end=0.5

secateur validate demo-grid seeds=[0,1,2]

secateur validate mine.yaml --verb plan"""


def validate(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A file with a recipe or a sweep, or the name of a shipped one.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Recipe fields by their dotted paths.")
    ] = None,
    verb: Annotated[
        Verb | None, typer.Option(help="What the recipe is for; where absent, prune if it has a target, else train.")
    ] = None,
) -> None:
    """Print a recipe or a sweep as resolved, or everything that is wrong with it."""
    changes = overrides or []
    if is_sweep(file):
        _validate_sweep(file, changes, verb)
        return
    verb = verb or verb_of(file, changes)
    print(dump(load(file, changes, verb=verb)), end="")
    print(f"valid for `secateur {verb}`", file=sys.stderr)


def _validate_sweep(file: str, changes: list[str], verb: Verb | None) -> None:
    if verb is not None:
        raise RequestError(f"`--verb` must be absent for a sweep, but is {verb}; its cells are pruned")
    sweep = load_sweep(file, changes)
    print(dump_sweep(sweep), end="")
    names = [cell.name for cell in cells(sweep)]
    print(f"valid for `secateur sweep`, {len(names)} cells:", *names, sep="\n  ", file=sys.stderr)
