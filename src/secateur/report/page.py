"""One HTML file for one or several runs, which loads nothing from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from secateur.errors import DataError
from secateur.report.cells import Cell
from secateur.report.changes import Changes, compare
from secateur.report.curves import panels, stages
from secateur.report.cuts import Bar, Stack, stacks, totals
from secateur.report.facts import Fact, facts, headline, recipe
from secateur.report.figures import Chart, draw_panel
from secateur.report.html import environment, write
from secateur.report.load import Run, load_all
from secateur.report.overview import DIFFERENCE, RATIO, lines, names, trade_off
from secateur.report.rows import LEGEND, Row, rows
from secateur.report.sites import sites
from secateur.report.values import look
from secateur.report.verdict import Verdict, target, verdict

NAME = "report.html"


@final
@dataclass(frozen=True, kw_only=True)
class View:
    """What the template shows of one run."""

    name: str
    headline: str
    rows: tuple[Row, ...]
    verdict: Verdict | None
    target: Cell
    totals: tuple[Bar, ...]
    stacks: tuple[Stack, ...]
    charts: tuple[Chart, ...]
    stages: tuple[tuple[str, float], ...]
    transcribes: bool
    """Whether it is a recognizer, as far as the report says."""

    changes: Changes
    facts: tuple[Fact, ...]
    recipe: str
    notes: tuple[str, ...]
    """What of the folder could not be read."""


def render(folders: Sequence[Path], *, out: Path | None = None) -> Path:
    """Write the page of one or several run folders and return where it lies.

    A folder of several sizes counts as the runs that it holds. Without `out` the page of one folder is its
    `report.html`, that of several lies beside the first.

    Raises:
        DataError: No folder is named, a folder is no run folder, or the page cannot be written.
    """
    if not folders:
        raise DataError("`folders` must name at least one run folder, but is empty; name one that `prune` wrote")
    page = compose([run for folder in folders for run in load_all(folder)])
    where = out or (folders[0] if len(folders) == 1 else folders[0].resolve().parent) / NAME
    write(where, page)
    return where


def compose(runs: Sequence[Run]) -> str:
    """The page as text; the same runs give the same text."""
    several = len(runs) > 1
    named = zip(runs, names(runs), strict=True)
    views = [_view(run, name=name, number=number) for number, (run, name) in enumerate(named, start=1)]
    return (
        environment()
        .get_template("template.html.j2")
        .render(
            views=views,
            lines=lines(runs) if several else (),
            verdicts=(DIFFERENCE, RATIO),
            legend=LEGEND,
            trade_off=trade_off(runs) if several else None,
        )
    )


def _view(run: Run, *, name: str, number: int) -> View:
    found = sites(run.plan) if run.plan else ()
    begun = stages(run.log.records)
    return View(
        name=name,
        headline=headline(run.report),
        rows=rows(run.report),
        verdict=verdict(run.report),
        target=target(run.report),
        totals=totals(found),
        stacks=stacks(found),
        charts=_charts(run, number=number, stages=[step for _, step in begun[1:]]),
        stages=begun,
        transcribes=all(look(run.report, (side, "perplexity")) is None for side in ("pruned", "dense")),
        changes=compare(run.transcripts.records),
        facts=facts(run.report),
        recipe=recipe(run.report),
        notes=_notes(run),
    )


def _charts(run: Run, *, number: int, stages: Sequence[float]) -> tuple[Chart, ...]:
    drawn = panels(run.log.records)
    steps = [step for panel in drawn for curve in panel.curves for step, _ in curve.points]
    span = (min(steps), max(steps)) if steps else None
    return tuple(
        draw_panel(panel, name=f"run{number}-{index}", stages=stages, span=span) for index, panel in enumerate(drawn)
    )


def _notes(run: Run) -> tuple[str, ...]:
    notes: list[str] = []
    for name, read in (("log.jsonl", run.log), ("transcripts.jsonl", run.transcripts)):
        if read.unreadable:
            notes.append(f"Lines of {name} that could not be read: {read.unreadable:,}.")
        if read.cut:
            notes.append(f"Only {len(read.records):,} lines of {name} were read.")
    return tuple(notes)
