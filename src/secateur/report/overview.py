"""Several runs side by side: one row each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from secateur.report import formats
from secateur.report.cells import Cell, quote
from secateur.report.facts import headline
from secateur.report.figures import Chart, Mark, draw_trade_off
from secateur.report.load import Run
from secateur.report.rows import perplexity, perplexity_change, ratio, speedup, wer, wer_change
from secateur.report.values import number
from secateur.report.verdict import Verdict, verdict

Report = Mapping[str, object]

DIFFERENCE, RATIO = "WER difference", "perplexity change"
"""The columns that a verdict stands in."""


@final
@dataclass(frozen=True, kw_only=True)
class Line:
    """One run among several."""

    name: str
    headline: str
    cells: Mapping[str, Cell]
    """Column -> what stands there."""

    verdict: Verdict | None


def _ratio(key: str, *, of: str) -> Callable[[Report], Cell]:
    return lambda report: ratio(report, (("dense", of), ("pruned", of)), key=key)


def _macs(report: Report) -> str:
    keys = ("macs_per_audio_second", "macs_per_token")
    return next((key for key in keys if number(report, ("dense", key)) is not None), keys[0])


CHANCE = 0.005
"""Zeros of a smaller share are no pruning: biases that were never moved."""


def _not_zero(report: Report) -> Cell:
    """The parameters that are not zero, where a good many of the pruned model are."""
    kept, whole = (number(report, ("pruned", key)) for key in ("nonzero_params", "params"))
    if kept is None or not whole or kept / whole > 1 - CHANCE:
        return ()
    return ratio(report, (("dense", "nonzero_params"), ("pruned", "nonzero_params")))


COLUMNS: Mapping[str, Callable[[Report], Cell]] = {
    "parameters": _ratio("params", of="params"),
    "not zero": _not_zero,
    "bytes": _ratio("bytes", of="bytes"),
    "MACs": lambda report: _ratio("macs", of=_macs(report))(report),
    "WER dense": lambda report: wer(report, ("dense",)),
    "WER pruned": lambda report: wer(report, ("pruned",)),
    DIFFERENCE: wer_change,
    "perplexity dense": lambda report: perplexity(report, ("dense",)),
    "perplexity pruned": lambda report: perplexity(report, ("pruned",)),
    RATIO: perplexity_change,
    "WER rescored": lambda report: wer(report, ("rescored", "pruned")),
    "real-time factor": lambda report: quote(report, ("pruned", "rtf"), show=formats.factor),
    "tokens per second": lambda report: quote(report, ("pruned", "tokens_per_second"), show=formats.count),
    "speed-up": speedup,
}


def lines(runs: Sequence[Run]) -> tuple[Line, ...]:
    """The runs in the order they were named, with the columns that at least one of them fills."""
    every = [{column: show(run.report) for column, show in COLUMNS.items()} for run in runs]
    used = [column for column in COLUMNS if any(cells[column] for cells in every)]
    return tuple(
        Line(
            name=name,
            headline=headline(run.report),
            cells={column: cells[column] for column in used},
            verdict=verdict(run.report),
        )
        for name, run, cells in zip(names(runs), runs, every, strict=True)
    )


def names(runs: Sequence[Run]) -> tuple[str, ...]:
    """What to call each run; where two folders have one name, the path tells them apart."""
    every = [run.name for run in runs]
    return tuple(run.name if every.count(run.name) == 1 else str(run.folder) for run in runs)


def trade_off(runs: Sequence[Run]) -> Chart | None:
    """WER by the share of parameters kept; ``None`` where fewer than two runs have both."""
    marks = [mark for index, run in enumerate(runs, start=1) if (mark := _mark(run, str(index)))]
    rates = dict.fromkeys(number(run.report, ("dense", "wer")) for run in runs)
    dense = [Mark(x=1.0, y=rate) for rate in rates if rate is not None]
    return draw_trade_off(marks, name="trade-off", dense=dense) if len(marks) > 1 else None


def _mark(run: Run, label: str) -> Mark | None:
    kept, rate = number(run.report, ("comparison", "params")), number(run.report, ("pruned", "wer"))
    low, high = (number(run.report, ("pruned", "wer_ci95", index)) for index in (0, 1))
    if kept is None or rate is None:
        return None
    return Mark(x=kept, y=rate, interval=None if low is None or high is None else (low, high), label=label)
