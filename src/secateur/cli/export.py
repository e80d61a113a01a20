"""``secateur export``: a model in another form."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from secateur.cli.common import JsonFile, Model, Overwrite

EXAMPLES = """Examples:

secateur export runs/csp/model --to packed --out runs/csp/packed

secateur export runs/csp/model --to packed --values int8 --zstd --out runs/csp/small"""

MEGA = 1e6


def export(
    model: Model,
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    to: Annotated[Literal["packed"], typer.Option(help="The form: packed is without its zeros.")] = "packed",
    values: Annotated[
        Literal["fp32", "bf16", "fp16", "int8"] | None,
        typer.Option(help="What weights become; by default they stay what they are."),
    ] = None,
    zstd: Annotated[
        bool, typer.Option("--zstd", help="Compress for transport; the file cannot be mapped then.")
    ] = False,
    overwrite: Overwrite = False,
    json_file: JsonFile = None,
) -> None:
    """Write a model in another form, in a folder that `from_pretrained` opens."""
    from secateur.jobs.export import export as run

    report = run(str(model), out, to=to, values=values, zstd=zstd, overwrite=overwrite)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n")
    before, after = (report[key] / MEGA for key in ("bytes_before", "bytes"))
    print(f"{report['file']}: {after:.2f} MB, {before / after:.2f} times smaller than {before:.2f} MB")
    if ways := ", ".join(f"{count} as {name}" for name, count in report["packed"].items()):
        print(f"{report['packed_params']:,} weights in {ways}: {report['bits_per_weight']:.2f} bits each")
