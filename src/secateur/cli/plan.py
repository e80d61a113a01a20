"""``secateur plan``: what would leave."""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from secateur.cli.common import JsonFile, Overrides, RecipeArgument
from secateur.cli.console import console
from secateur.recipes import load

EXAMPLES = """Examples:

secateur plan prune-half model=runs/dense/model

secateur plan prune-half model=runs/dense/model criterion=magnitude target.macs=0.6

secateur plan mine.yaml --runtime onnx --json plan.json"""

SIZES = {
    "params": "parameters",
    "embedding_params": "of them embeddings",
    "bytes": "bytes on disk",
    "macs_per_audio_second": "MACs per second of audio",
    "macs_per_token": "MACs per token",
}


def plan(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(metavar="onnx", help="Export the small model and run it, too, which takes some seconds."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Show what would leave, the size that would remain, and which runtimes gain by it, without training."""
    resolved = load(recipe, overrides or [], verb="plan")
    from secateur.jobs.plan import plan as run

    found = run(resolved, runtimes=runtime or ())
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n")
    for one in found.get("sizes", [found]):
        _show(one)


def _show(found: Mapping[str, Any]) -> None:
    screen = console()
    screen.print(_sizes(found))
    screen.print(_sites(found["sites"]))
    for target in (found["target"], *found["target"].get("also", ())):
        screen.print(
            f"target: {target['kept']:.2%} ({target['unit']} of {target['of']}); reached: {target['reached']:.4%} "
            f"({target['reached_absolute']:,.0f} of at most {target['wanted_absolute']:,.0f})",
            markup=False,
        )
    screen.print("loads with: " + _loads(found))
    screen.print(_runtimes(found["runtimes"]))


def _sizes(found: Mapping[str, Any]) -> Table:
    table = Table("", "dense", "planned", "kept", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for key, label in SIZES.items():
        if key not in found["dense"]:
            continue
        dense, small = found["dense"][key], found["pruned"][key]
        table.add_row(label, f"{dense:,}", f"{small:,}", f"{small / dense:.1%}")
    return table


def _sites(sites: list[Mapping[str, Any]]) -> Table:
    """One row per block, one column per granularity and module: kept of how many."""
    columns = list(dict.fromkeys(_column(site) for site in sites))
    table = Table("block", *columns, box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for block, cells in _rows(sites):
        table.add_row(block, *[cells.get(column, "") for column in columns])
    return table


def _rows(sites: list[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    for block, members in groupby(sites, key=_block):
        yield block, {_column(site): f"{site['kept']}/{site['units']}" for site in members}


def _block(site: Mapping[str, Any]) -> str:
    """The part of the module's name up to its block number: "encoder.layers.3"."""
    parts = str(site["module"]).split(".")
    numbers = [i for i, part in enumerate(parts) if part.isdigit()]
    return ".".join(parts[: numbers[0] + 1]) if numbers else parts[0]


def _column(site: Mapping[str, Any]) -> str:
    inside = str(site["module"]).removeprefix(_block(site)).strip(".")
    return f"{inside} {site['granularity']}".strip()


def _loads(found: Mapping[str, Any]) -> str:
    if found["needs_secateur"]:
        return "`import secateur`, then AutoModel...from_pretrained"
    return "AutoModel...from_pretrained alone: the shapes are uniform"


def _runtimes(found: Mapping[str, Any]) -> Table:
    """One row per runtime: what it gains."""
    table = Table("runtime", "", box=None, header_style="bold")
    for name, told in (("PyTorch", _torch), ("ONNX Runtime", _onnx), ("sparse kernels", _sparse)):
        table.add_row(name, Text(told(found)))
    return table


def _torch(found: Mapping[str, Any]) -> str:
    share = found["torch"]["macs_kept"]
    return (
        f"{share:.1%} of the multiply-accumulates" if share < 1 else "all multiply-accumulates: zeros are no less work"
    )


def _onnx(found: Mapping[str, Any]) -> str:
    if "onnx" not in found:
        return "not tried; `--runtime onnx` does"
    return f"runs, with {_torch(found)}" if found["onnx"]["runs"] else found["onnx"]["reason"]


def _sparse(found: Mapping[str, Any]) -> str:
    sparse = found["sparse"]
    if "reason" in sparse:
        return sparse["reason"]
    return f"{sparse['layers']} of {sparse['of']} matrices have zeros that pay"
