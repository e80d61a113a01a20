"""Several runs side by side: one row each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from secateur.report import formats
from secateur.report.cells import Cell, quote
from secateur.report.facts import headline
from secateur.report.figures import Chart, Mark, draw_trade_off
from secateur.report.load import Run
from secateur.report.table import ratio, speedup, wer, wer_change
from secateur.report.values import Path, number
from secateur.report.verdict import Verdict, verdict


@final
@dataclass(frozen=True, kw_only=True)
class Line:
    """One run among several."""

    name: str
    headline: str
    cells: tuple[Cell, ...]
    verdict: Verdict | None


COLUMNS = ("parameters", "bytes", "MACs", "WER dense", "WER pruned", "difference", "real-time factor", "speed-up")

RATIOS = (("params", "params"), ("bytes", "bytes"), ("macs", "macs_per_audio_second"))
"""Key in `comparison` -> key in MEASURES."""


def lines(runs: Sequence[Run]) -> tuple[Line, ...]:
    """The runs in the order they were named; where two folders have one name, the path tells them apart."""
    return tuple(
        Line(name=name, headline=headline(run.report), cells=_cells(run), verdict=verdict(run.report))
        for name, run in zip(names(runs), runs, strict=True)
    )


def names(runs: Sequence[Run]) -> tuple[str, ...]:
    """What to call each run."""
    every = [run.name for run in runs]
    return tuple(run.name if every.count(run.name) == 1 else str(run.folder) for run in runs)


def trade_off(runs: Sequence[Run]) -> Chart | None:
    """WER by the share of parameters kept; ``None`` where fewer than two runs have both."""
    marks = [mark for index, run in enumerate(runs, start=1) if (mark := _mark(run, str(index)))]
    rates = dict.fromkeys(number(run.report, ("dense", "wer")) for run in runs)
    dense = [Mark(kept=1.0, wer=rate) for rate in rates if rate is not None]
    return draw_trade_off(marks, name="trade-off", dense=dense) if len(marks) > 1 else None


def _mark(run: Run, label: str) -> Mark | None:
    kept, rate = number(run.report, ("comparison", "params")), number(run.report, ("pruned", "wer"))
    low, high = (number(run.report, ("pruned", "wer_ci95", index)) for index in (0, 1))
    if kept is None or rate is None:
        return None
    return Mark(kept=kept, wer=rate, interval=None if low is None or high is None else (low, high), label=label)


def _cells(run: Run) -> tuple[Cell, ...]:
    report = run.report
    paths: list[tuple[str, tuple[Path, Path]]] = [(key, (("dense", own), ("pruned", own))) for key, own in RATIOS]
    return (
        *(ratio(report, both, key=key) for key, both in paths),
        wer(report, ("dense",)),
        wer(report, ("pruned",)),
        wer_change(report),
        quote(report, ("pruned", "rtf"), show=formats.factor),
        speedup(report),
    )
