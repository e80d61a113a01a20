"""The cells of a sweep as rows: what was changed, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, final

from secateur.report.cells import Cell, join, plain, words
from secateur.report.overview import COLUMNS
from secateur.report.scatter import MAX_SERIES
from secateur.report.values import look, mapping, text
from secateur.report.verdict import Verdict, verdict

Result = Mapping[str, object]
"""One entry of `results.json`."""

SEED = "seed"

DENSE = {"WER dense": "WER", "perplexity dense": "perplexity"}
"""Columns of the dense model -> what they hold: told once where all cells start from the same."""

UNTOLD = ("real-time factor", "tokens per second")
"""Columns left out: from cell to cell a machine does not stay the same, which speed-ups do not feel."""


@final
@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A cell that is done."""

    name: str
    axes: tuple[str, ...]
    """What stands in the column of each axis."""

    cells: Mapping[str, Cell]
    """Column -> what stands there."""

    verdict: Verdict | None


@final
@dataclass(frozen=True, kw_only=True)
class Failure:
    """A cell that failed, and why."""

    name: str
    error: str


@final
@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """A sweep as far as it has come."""

    axes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    dense: Cell = ()
    """What the dense model is judged by, where it is the same one for all and has no column."""

    done: tuple[Outcome, ...] = ()
    failed: tuple[Failure, ...] = ()


def outcomes(results: Sequence[Result]) -> Outcomes:
    """Arrange results in rows, with the columns that at least one of them fills."""
    done = [result for result in results if "error" not in result]
    axes = _axes(done)
    every = [{name: show(result) for name, show in COLUMNS.items() if name not in UNTOLD} for result in done]
    used = [name for name in COLUMNS if any(cells.get(name) for cells in every)]
    shared = [name for name in used if name in DENSE and len({plain(cells[name]) for cells in every}) == 1]
    columns = tuple(name for name in used if name not in shared)
    rows = [
        Outcome(
            name=_name(result),
            axes=tuple(_place(result, axis) or "" for axis in axes),
            cells={column: cells[column] for column in columns},
            verdict=verdict(result),
        )
        for result, cells in zip(done, every, strict=True)
    ]
    failed = [Failure(name=_name(r), error=text(r, ("error",)) or "") for r in results if "error" in r]
    dense = join([(*words(f"{DENSE[name]} "), *every[0][name]) for name in shared], between=", ")
    return Outcomes(axes=axes, columns=columns, dense=dense, done=tuple(rows), failed=tuple(failed))


def series(results: Sequence[Result]) -> tuple[str, tuple[str | None, ...]]:
    """Choose the axis that tells points apart by colour, and return its name and each result's value of it.

    That is the first with more than one value, of which the palette has colours enough, other than the target: that
    is what a chart shows along its width. The name is empty where there is none.

    >>> series([{"axes": {"target.params": 0.5, "criterion": name}} for name in ("taylor", "random")])
    ('criterion', ('taylor', 'random'))
    """
    for axis in _axes(results):
        values = tuple(_place(result, axis) for result in results)
        many = len(set(values) - {None})
        if axis.split(".")[0] not in ("target", SEED) and 1 < many <= MAX_SERIES:
            return axis, values
    return "", (None,) * len(results)


def _axes(results: Sequence[Result]) -> tuple[str, ...]:
    """Name what was changed, in the order of the sweep; the seed too where there are several."""
    named = dict.fromkeys(axis for result in results for axis in mapping(result, ("axes",)))
    seeds = {look(result, (SEED,)) for result in results}
    return (*named, SEED) if len(seeds) > 1 and SEED not in named else tuple(named)


def _place(result: Result, axis: str) -> str | None:
    """Return where a result stands on an axis, as text; ``None`` for a cell beside the grid that is not on it."""
    found = mapping(result, ("axes",))
    if axis in found:
        return _told(found[axis])
    return _told(look(result, (SEED,))) if axis == SEED else None


def _name(result: Result) -> str:
    return text(result, ("cell",)) or ""


def _told(value: object) -> str:
    """Print a value about as its YAML is written."""
    if isinstance(value, list):
        return " + ".join(map(_told, cast("list[object]", value)))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace('"', "")
