"""The before/after table for a terminal, from the rows that the page has."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from secateur.report.cells import plain
from secateur.report.load import load
from secateur.report.overview import lines
from secateur.report.rows import LEGEND, rows
from secateur.report.verdict import target, verdict

STYLES = {"same": "green", "better": "green", "worse": "red"}


def table(report: Mapping[str, object]) -> Table:
    """Dense, pruned and change, with the verdict beneath.

    Cells are `Text`, so that square brackets of a report are never read as markup.
    """
    drawn = Table(box=SIMPLE_HEAD, caption=_caption(report), caption_justify="left")
    drawn.add_column("")
    for name in ("dense", "pruned", "change"):
        drawn.add_column(name, justify="right")
    for row in rows(report):
        label = Text(row.label).append(f"\n{row.note}" if row.note else "", style="dim")
        drawn.add_row(label, *(Text(plain(cell)) for cell in (row.dense, row.pruned, row.change)))
    return drawn


def overview(folders: Sequence[Path]) -> Table:
    """One row per run folder, with the columns that at least one of them fills."""
    found = lines([load(folder) for folder in folders])
    drawn = Table("", *found[0].cells, box=SIMPLE_HEAD, caption=Text(LEGEND, style="dim"), caption_justify="left")
    for line in found:
        drawn.add_row(Text(line.name), *(Text(plain(cell)) for cell in line.cells.values()))
    return drawn


def _caption(report: Mapping[str, object]) -> Text:
    caption = Text()
    found = verdict(report)
    if found:
        caption.append(found.sentence, style=STYLES[found.kind]).append(f": {found.of} {plain(found.numbers)}.")
    wanted = plain(target(report))
    caption.append("\n" if found and wanted else "").append(wanted)
    return caption.append("\n" if caption else "").append(LEGEND, style="dim")
