"""What a sweep found: one table as Markdown and for the terminal, and one page with the fronts."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from secateur.report.cells import plain
from secateur.report.html import environment, write
from secateur.report.markdown import plain as in_markdown
from secateur.report.markdown import table as markdown_table
from secateur.report.outcomes import Outcome, Outcomes, Result, outcomes, series
from secateur.report.overview import DIFFERENCE, RATIO
from secateur.report.page import NAME as RUN_PAGE
from secateur.report.rows import LEGEND
from secateur.report.trades import LABELLED, trades

PAGE, TABLE = "results.html", "results.md"

CELL = "cell"
"""The first column."""

CELLS = "cells"
"""The folder, beside the page, that the cells' own pages lie in."""


def render_sweep(folder: Path, results: Sequence[Result], *, total: int, sweep: str) -> None:
    """Write the table and the page of a sweep of `total` cells, as far as there are results, beside its cells.

    `sweep` is its YAML, to be shown.

    Raises:
        DataError: They cannot be written.
    """
    name = folder.resolve().name
    write(folder / TABLE, as_markdown(name, results, total=total))
    write(folder / PAGE, compose_sweep(name, results, total=total, sweep=sweep, pages=_pages(folder, results)))


def as_markdown(name: str, results: Sequence[Result], *, total: int) -> str:
    """Return the table of a sweep as a page of Markdown."""
    found = outcomes(results)
    parts = [f"# {in_markdown(name)}", progress(found, total=total)]
    if found.done:
        rows = [(one.name, *one.axes, *_cells(one, found)) for one in found.done]
        parts += [markdown_table((CELL, *found.axes, *found.columns), rows), in_markdown(_caption(found))]
    if found.failed:
        parts += ["Failed:", "\n".join(f"- {in_markdown(one.name)}: {in_markdown(one.error)}" for one in found.failed)]
    return "\n\n".join(parts) + "\n"


def sweep_table(results: Sequence[Result]) -> Table:
    """Return the same table for a terminal, without the axes: the cells' names have them.

    Cells are `Text`, so that square brackets of a report are never read as markup.
    """
    found = outcomes(results)
    drawn = Table(box=SIMPLE_HEAD, caption=Text(_caption(found), style="dim"), caption_justify="left")
    drawn.add_column(CELL, overflow="fold")
    for column in found.columns:
        drawn.add_column(column, justify="right")
    for one in found.done:
        drawn.add_row(*map(Text, (one.name, *_cells(one, found))))
    return drawn


def compose_sweep(
    name: str, results: Sequence[Result], *, total: int, sweep: str, pages: Sequence[str | None] = ()
) -> str:
    """Return the page as text; `pages` are links to the pages of the cells that are done."""
    found = outcomes(results)
    done = [result for result in results if "error" not in result]
    axis, told = series(done)
    drawn = trades(done, series=told)
    return (
        environment()
        .get_template("sweep.html.j2")
        .render(
            name=name,
            progress=progress(found, total=total),
            found=found,
            pages=[*pages, *[None] * (len(found.done) - len(pages))],
            fronts=[[trade.cost for trade in drawn if index in trade.front] for index in range(len(done))],
            trades=drawn,
            axis=axis,
            beside=None in told,
            crowded=len(done) > LABELLED,
            verdicts=(DIFFERENCE, RATIO),
            legend=LEGEND,
            sweep=sweep,
        )
    )


def progress(found: Outcomes, *, total: int) -> str:
    """Say how far a sweep has come.

    >>> progress(Outcomes(), total=3)
    '3 cells: 0 done, 3 to come.'
    """
    cells = {one.name for one in (*found.done, *found.failed)}
    parts = {"failed": len({one.name for one in found.failed}), "to come": total - len(cells)}
    told = [f"{number:,} {what}" for what, number in parts.items() if number]
    done = len({one.name for one in found.done})
    return f"{total:,} cell{'' if total == 1 else 's'}: {', '.join([f'{done:,} done', *told])}."


def _cells(one: Outcome, found: Outcomes) -> list[str]:
    return [plain(one.cells[column]) for column in found.columns]


def _caption(found: Outcomes) -> str:
    return " ".join(filter(None, (f"Dense: {plain(found.dense)}." if found.dense else "", LEGEND)))


def _pages(folder: Path, results: Sequence[Result]) -> list[str | None]:
    """Return links to the cells' own pages, where those are."""
    names = [f"{CELLS}/{result.get('cell')}/{RUN_PAGE}" for result in results if "error" not in result]
    return [name if (folder / name).is_file() else None for name in names]
