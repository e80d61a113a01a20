"""A model on several runtimes, as tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.table import Table

BASES: Final = ("torch fp32", "torch int8", "onnx int8")
"""What the last columns compare with, where it was timed: the usual, and the fastest dense ones."""

GIGA: Final = 1e9

Row = Mapping[str, Any]


def layers_table(found: Mapping[str, Any]) -> Table:
    """One line per shape, threads, tokens and form: what one layer takes."""
    table = _table("layers", "threads", "tokens", "form", "per layer", found=found, rows=found["layers"])
    last = None
    for group in _groups(found["layers"], ("outputs", "inputs", "threads", "tokens")):
        for row in group:
            named = f"{row['layers']} of {row['outputs']} x {row['inputs']}"
            shown = "" if named == last else named
            last = named
            time = f"{1e6 * row['median_s']:.0f} us"
            table.add_row(shown, *_same(row, group, "threads", "tokens"), _name(row), time, *_ends(row, found))
    return table


def whole_table(found: Mapping[str, Any]) -> Table:
    """One line per threads, length and form: what a forward of the whole model takes."""
    length = "tokens" if "tokens" in found["whole"][0] else "audio_seconds"
    table = _table("whole model", "threads", "form", "median", "p90", "speed", found=found, rows=found["whole"])
    for group in _groups(found["whole"], ("threads", length)):
        for row in group:
            unit = f"{row[length]:g} tokens" if length == "tokens" else f"{row[length]:g} s of audio"
            first, threads = (unit, str(row["threads"])) if row is group[0] else ("", "")
            times = (f"{1000 * row[key]:.1f} ms" for key in ("median_s", "p90_s"))
            table.add_row(first, threads, _name(row), *times, _speed(row), *_ends(row, found))
    return table


def _table(*columns: str, found: Mapping[str, Any], rows: Sequence[Row]) -> Table:
    bases = [f"x {base}" for base in BASES if base in {_name(row) for row in rows}]
    ceilings = ", ".join(f"{c / GIGA:.1f} GB/s on {n}" for n, c in found["read_bytes_per_second"].items())
    caption = f"memory is read at {ceilings} thread(s); what fits into caches may be faster"
    return Table(*columns, "of memory", *bases, box=None, header_style="bold", caption=caption)


def _groups(rows: Iterable[Row], keys: Sequence[str]) -> Iterator[list[Row]]:
    """Give the rows that differ by form alone."""
    found: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[key] for key in keys)].append(row)
    yield from found.values()


def _same(row: Row, group: Sequence[Row], *keys: str) -> list[str]:
    return [str(row[key]) if row is group[0] else "" for key in keys]


def _name(row: Row) -> str:
    return f"{row['runtime']} {row['weights']}"


def _speed(row: Row) -> str:
    return f"{row['tokens_per_second']:,.0f} tokens/s" if "tokens_per_second" in row else f"RTF {row['rtf']:.4f}"


def _ends(row: Row, found: Mapping[str, Any]) -> list[str]:
    """Return how near to the speed of memory a form runs, and how many times as fast as the others."""
    bases = [base for base in BASES if base == _name(row) or base in row["times"]]
    times = [f"{row['times'][base]['median']:.2f}" if base in row["times"] else "1" for base in bases]
    return [f"{row['of_ceiling']:.0%}", *times]
