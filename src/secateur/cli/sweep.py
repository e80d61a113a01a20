"""``secateur sweep``: a grid of prunes."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from secateur.cli.command_line import command_line
from secateur.cli.common import Out, Overrides, Overwrite, Resume
from secateur.cli.console import console
from secateur.errors import RequestError, WorkError
from secateur.recipes import load_sweep

EXAMPLES = """Examples:

secateur sweep demo-grid --out demo/grid

secateur sweep demo-grid seeds=[0,1,2] train.num_train_epochs=1 --out demo/seeds

secateur sweep mine.yaml --out runs/grid --resume

secateur sweep mine.yaml --out /shared/grid --on ray --address auto --cpus-per-cell 4"""

On = Annotated[
    Literal["here", "ray"], typer.Option(help="Where cells run: here, one after another, or on a Ray cluster.")
]
Address = Annotated[
    str | None, typer.Option(help="The cluster, as Ray has it; without it, the one that Ray finds or starts here.")
]
Cpus = Annotated[int | None, typer.Option(min=1, help="CPUs that a cell takes on the cluster.", show_default="1")]
Gpus = Annotated[float | None, typer.Option(min=0.0, help="GPUs that a cell takes there.", show_default="0")]


def sweep(
    source: Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep file, or the name of a shipped sweep.")],
    out: Out,
    overrides: Overrides = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    on: On = "here",
    address: Address = None,
    cpus_per_cell: Cpus = None,
    gpus_per_cell: Gpus = None,
) -> None:
    """Prune in every way that a grid says, and compare."""
    if on == "here":
        _check_absent({"address": address, "cpus-per-cell": cpus_per_cell, "gpus-per-cell": gpus_per_cell})
    wanted = load_sweep(source, overrides or [])
    from secateur.jobs.cluster import Cluster
    from secateur.jobs.sweep import RESULTS
    from secateur.jobs.sweep import sweep as run
    from secateur.report import sweep_table
    from secateur.report.sweep import PAGE

    there = Cluster(address=address, cpus_per_cell=cpus_per_cell or 1, gpus_per_cell=gpus_per_cell or 0.0)
    cluster = there if on == "ray" else None
    results = run(wanted, out, cluster=cluster, resume=resume, overwrite=overwrite, command=command_line())
    console().print(sweep_table(results))
    print(f"page: {out / PAGE}\nresults: {out / RESULTS}", file=sys.stderr)
    _complain(results)


def _check_absent(given: Mapping[str, object]) -> None:
    """Make sure that nothing is asked of a cluster where there is none.

    Raises:
        RequestError: Something is.
    """
    for option, value in given.items():
        if value is not None:
            raise RequestError(f"`--{option}` must go with `--on ray`, but cells run here; add that, or leave it out")


def _complain(results: list[dict[str, Any]]) -> None:
    """Say which cells failed.

    Raises:
        WorkError: Any did.
    """
    failed = {result["cell"]: " ".join(str(result["error"]).split()) for result in results if "error" in result}
    if failed:
        told = "".join(f"\n  - {cell}: {error}" for cell, error in failed.items())
        raise WorkError(f"cells that failed: {len(failed)}; `--resume` tries them again{told}")
