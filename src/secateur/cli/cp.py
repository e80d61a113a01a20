"""``secateur cp``: copy a shipped recipe or sweep, to change the copy."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from secateur.errors import RequestError
from secateur.recipes.shipped import find

EXAMPLES = """Examples:

secateur cp prune-half mine.yaml

secateur cp train-an4-digits recipes/"""


def cp(
    name: Annotated[str, typer.Argument(help="A shipped recipe or sweep; `secateur ls` lists them.")],
    file: Annotated[Path, typer.Argument(help="Where the copy goes: a new file, or a folder that exists.")],
) -> None:
    """Copy a shipped recipe or sweep to a file of yours; nothing is overwritten."""
    source = find(name)
    target = file / source.name if file.is_dir() else file
    _write_new(target, source.read_text(encoding="utf-8"))
    print(f"copied {name} to {target}", file=sys.stderr)


def _write_new(target: Path, text: str) -> None:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise RequestError(f"`FILE` must be new, but {target} exists; remove it or choose another name") from error
    except OSError as error:
        raise RequestError(
            f"`FILE` must be a place to write to, but is {target}: {error.strerror}; create its folder first"
        ) from error
