"""``secateur report``: the page."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """Examples:

secateur report runs/half

secateur report runs/half runs/third --out compared.html"""


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Run folders.")],
    out: Annotated[
        Path | None,
        typer.Option(help="By default report.html in the run folder, or beside the first of several."),
    ] = None,
) -> None:
    """Write the page of a run again, of all its sizes, or of several runs side by side."""
    from secateur.report import render

    print(render(folders, out=out))
