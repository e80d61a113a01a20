"""The grid of a study as one table: a line per way, a column per size."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.findings import CRITERION, METHOD, SCHEDULE, SCRATCH, SIZE
from benchmarks.markdown import table

Rows = Mapping[tuple[Any, ...], Mapping[str, Any]]
"""Method, criterion, schedule, size -> a row of the study."""

BESIDE = {
    "magnitude_in_one_ranking_": ("low rank", "magnitude, one ranking", "one-shot"),
    "plain_singular_values_": ("low rank", "plain singular values", "one-shot"),
    SCRATCH: ("trained so small from scratch", "", ""),
}
"""What rows beside the grid begin with -> method, criterion, schedule."""

SPARSE = 0.99
"""Share of parameters that are not zero, below which a comparison is of zeros."""


def perplexities(result: Mapping[str, Any]) -> str:
    """Write the perplexity of every cell, and how fast its longest text is where the model is physically small."""
    axes = METHOD, CRITERION, SCHEDULE, SIZE
    rows = {
        tuple(row["axes"][axis] for axis in axes): row
        for row in result["rows"].values()
        if set(axes) <= row["axes"].keys()
    } | dict(_beside(result["rows"]))
    sizes = sorted({key[-1] for key in rows}, reverse=True)
    ways = sorted({key[:-1] for key in rows})
    return table(
        " | ".join([*axes[:-1], *(f"{100 * size:g} % kept" for size in sizes)]),
        (" | ".join([*way, *(_cell(rows, (*way, size)) for size in sizes)]) for way in ways),
    )


def _beside(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """Give the rows beside the grid where they stand in it; the share kept ends their names."""
    for name, row in rows.items():
        for beginning, way in BESIDE.items():
            if name.startswith(beginning):
                yield (*way, float(name.removeprefix(beginning))), row


def _cell(rows: Rows, key: tuple[Any, ...]) -> str:
    row = rows.get(key)
    if row is None:
        return "-"
    faster = "" if zeroed(row) or not row["speedups"] else f", {row['speedups'][-1]['median']:.2f} x"
    return f"{row['perplexity']:.1f}{faster}"


def zeroed(row: Mapping[str, Any]) -> bool:
    """Whether what has left is zeros in place: they are multiplied as before, so a speed-up would be noise."""
    return row["nonzero_params"] < SPARSE * row["params"]
