"""Arguments that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from secateur.errors import RequestError

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a shipped recipe.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Recipe fields by their dotted paths.")
]
Out = Annotated[Path, typer.Option(help="The run folder to write.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in the run folder.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier run wrote there.")]


def writable(file: Path | None) -> Path | None:
    """Make sure that a file can be written once the work is done.

    Raises:
        RequestError: Its folder does not exist, or it is a folder itself.
    """
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        state = "is a folder" if file.is_dir() else "lies in a folder that does not exist"
        raise RequestError(f"`FILE` must be a file that can be written, but `{file}` {state}; choose another name")
    return file


JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the numbers there as JSON.", callback=writable),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model folder, pruned or not, or a Hub id.")]
Against = Annotated[str | None, typer.Option(metavar="MODEL", help="The model to compare with: the dense one.")]
