"""``secateur bench``: latency."""

import json
import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from secateur.cli.common import Against, JsonFile, Model
from secateur.cli.console import console
from secateur.cli.runtimes import layers_table, whole_table
from secateur.errors import RequestError
from secateur.recipes import Bench

EXAMPLES = """Examples:

secateur bench runs/half/model

secateur bench runs/half/model --against runs/dense/model --threads 2 --seconds 4 --seconds 15 --json bench.json

secateur bench runs/csp/model --runtime onnx --runtime sparse"""

USUAL_THREADS = (1, 2)
"""What a table of runtimes has unless told otherwise, as far as there are cores."""


def bench(
    model: Model,
    against: Against = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            metavar="torch|onnx|sparse",
            help="A runtime to compare with PyTorch's dense forms of the model, whole and layer by layer; may be given "
            "several times. Without, the model is timed in PyTorch as it is.",
        ),
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(min=1, help="CPU threads: 1, and of runtimes 1 and 2 unless given; of runtimes several times."),
    ] = None,
    seconds: Annotated[
        list[float] | None, typer.Option(min=0.1, help="Utterance length; may be given several times.")
    ] = None,
    tokens: Annotated[
        list[int] | None, typer.Option(min=1, help="Text length, for language models; may be given several times.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=2, help="Timed runs per length, after the warm-up.")] = 20,
    json_file: JsonFile = None,
) -> None:
    """Time a model at batch 1, alone or interleaved with another in the same process, or on several runtimes."""
    counts = _threads(threads, runtime)
    from secateur.jobs.bench import bench as run

    usual = Bench()
    settings = Bench(
        seconds=tuple(seconds or usual.seconds),
        tokens=tuple(tokens or usual.tokens),
        threads=counts[0],
        repeats=repeats,
    )
    report = run(model, against=against, settings=settings, runtimes=tuple(runtime or ()), threads=counts)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n")
    console().print(_table(report))
    for row in report.get("speedups", []):
        low, high = row["ci95"]
        interval = f"(95 % interval {low:.2f} to {high:.2f})"
        print(f"{_length(row)}: {row['median']:.2f} times as fast {interval}")
    if "runtimes" in report:
        console().print(*(make(report["runtimes"]) for make in (layers_table, whole_table)))


def _threads(asked: Sequence[int] | None, runtimes: Sequence[str] | None) -> tuple[int, ...]:
    """Return the numbers of threads, once each."""
    if runtimes:
        return tuple(dict.fromkeys(asked or USUAL_THREADS[: os.cpu_count()]))
    if asked and len(asked) > 1:
        raise RequestError(
            f"`--threads` must be given once without `--runtime`, but is given as {', '.join(map(str, asked))}; "
            f"run once for each"
        )
    return tuple(asked or (1,))


def _table(report: dict[str, Any]) -> Table:
    table = Table("model", "runtime", "threads", "input", "median", "p90", "speed", box=None, header_style="bold")
    for side in (report[key] for key in ("model", "against") if key in report):
        for row in side["latencies"]:
            table.add_row(
                str(side["model"]),
                row["runtime"],
                str(row["threads"]),
                _length(row),
                f"{1000 * row['median_s']:.1f} ms",
                f"{1000 * row['p90_s']:.1f} ms",
                _speed(row),
            )
    return table


def _length(row: dict[str, Any]) -> str:
    return f"{row['tokens']:g} tokens" if "tokens" in row else f"{row['audio_seconds']:g} s of audio"


def _speed(row: dict[str, Any]) -> str:
    if "tokens" in row:
        return f"{row['tokens'] / row['median_s']:,.0f} tokens/s"
    return f"RTF {row['median_s'] / row['audio_seconds']:.4f}"
