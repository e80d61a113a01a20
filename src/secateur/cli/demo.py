"""``secateur demo``: the main job on speech made on the spot."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from secateur.cli.common import Overwrite
from secateur.cli.console import console

EXAMPLES = """Examples:

secateur demo

secateur demo --out somewhere

secateur demo --from-scratch"""


def demo(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("demo"),
    from_scratch: Annotated[
        bool,
        typer.Option("--from-scratch", help="Train the dense model too, instead of taking the one that comes along."),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Make speech, halve a small recognizer of it, measure, and write the page."""
    from secateur.jobs.demo import demo as run
    from secateur.report import table

    report = run(out, from_scratch=from_scratch, overwrite=overwrite)
    console().print(table(report))
    print(f"page: {out / 'pruned' / 'report.html'}\nmodel: {out / 'pruned' / 'model'}", file=sys.stderr)
