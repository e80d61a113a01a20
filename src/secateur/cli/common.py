"""Arguments that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a shipped recipe.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Recipe fields by their dotted paths.")
]
Out = Annotated[Path, typer.Option(help="The run folder to write.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in the run folder.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier run wrote there.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers there as JSON.")]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model folder, pruned or not, or a Hub id.")]
Against = Annotated[str | None, typer.Option(metavar="MODEL", help="The model to compare with: the dense one.")]
