"""What the cells of a sweep give up for what they save: their place on each chart, and who is on the front."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from secateur.report.figures import Chart, Mark
from secateur.report.front import Pair, front
from secateur.report.scatter import MAX_SERIES, Scatter, draw_scatter
from secateur.report.values import number

Report = Mapping[str, object]

JUDGED = {"wer": "WER", "perplexity": "Perplexity"}
"""What models are judged by -> how it is told."""

LABELLED = 12
"""With more points than this, only those on the front have their number and interval: the others would cover them."""

DIGITS = 3
"""Costs that agree to a thousandth of the dense model's are one: targets are met to within some parameters, and the
hair's breadth that is left must not put a worse model on the front."""


def size_kept(report: Report) -> float | None:
    """Return the share of parameters that are not zero, of those of the dense model.

    >>> size_kept({"dense": {"nonzero_params": 8}, "pruned": {"nonzero_params": 2}})
    0.25
    """
    dense, pruned = (number(report, (model, "nonzero_params")) for model in ("dense", "pruned"))
    return number(report, ("comparison", "params")) if not dense or pruned is None else pruned / dense


def latency_kept(report: Report) -> float | None:
    """Return the latency as a share of the dense model's, both timed in turn.

    >>> latency_kept({"comparison": {"speedup": {"median": 2.0}}})
    0.5
    """
    faster = number(report, ("comparison", "speedup", "median"))
    return 1 / faster if faster else None


@final
@dataclass(frozen=True, kw_only=True)
class Cost:
    """One way to count what a model costs."""

    told: str
    """As a title has it."""

    of: Callable[[Report], float | None]


COSTS: Mapping[str, Cost] = {
    "size": Cost(told="by parameters that are not zero", of=size_kept),
    "latency": Cost(told="by latency", of=latency_kept),
}
"""What is drawn, by the word that the table has for being on its front."""


@final
@dataclass(frozen=True, kw_only=True)
class Trade:
    """One chart."""

    cost: str
    chart: Chart
    front: tuple[int, ...]
    """Indices of the reports on the front."""


def trades(reports: Sequence[Report], *, series: Sequence[str | None]) -> tuple[Trade, ...]:
    """Draw the charts that at least two of the reports have a point on; each report belongs to a series, or to none."""
    judged = next((key for key in JUDGED if any(number(report, ("pruned", key)) is not None for report in reports)), "")
    drawn = (_trade(name, reports, series, judged) for name in COSTS)
    return tuple(trade for trade in drawn if trade is not None)


def _trade(cost: str, reports: Sequence[Report], series: Sequence[str | None], judged: str) -> Trade | None:
    pairs = {index: pair for index, report in enumerate(reports) if (pair := _pair(report, cost, judged))}
    if len(pairs) < 2:
        return None
    places = list(pairs)
    best = [places[place] for place in front([(round(spent, DIGITS), quality) for spent, quality in pairs.values()])]
    marks = {index: _mark(reports[index], pairs[index], index, judged) for index in places}
    if len(marks) > LABELLED:
        marks |= {index: Mark(x=pairs[index][0], y=pairs[index][1]) for index in places if index not in best}
    named = list(dict.fromkeys(series[index] for index in places if series[index] is not None))[:MAX_SERIES]
    drawn = Scatter(
        title=f"{JUDGED[judged]} {COSTS[cost].told}",
        series={str(name): [marks[index] for index in places if series[index] == name] for name in named},
        others=[marks[index] for index in places if series[index] not in named],
        dense=[Mark(x=1.0, y=value) for value in dict.fromkeys(_dense(reports, judged))],
        front=[pairs[index] for index in best],
        shares=judged == "wer",
    )
    return Trade(cost=cost, chart=draw_scatter(drawn, name=f"trade-{cost}"), front=tuple(best))


def _pair(report: Report, cost: str, judged: str) -> Pair | None:
    spent, quality = COSTS[cost].of(report), number(report, ("pruned", judged))
    return None if spent is None or quality is None else (spent, quality)


def _mark(report: Report, pair: Pair, index: int, judged: str) -> Mark:
    low, high = (number(report, ("pruned", f"{judged}_ci95", end)) for end in (0, 1))
    interval = None if low is None or high is None else (low, high)
    return Mark(x=pair[0], y=pair[1], interval=interval, label=str(index + 1))


def _dense(reports: Sequence[Report], judged: str) -> list[float]:
    return [value for report in reports if (value := number(report, ("dense", judged))) is not None]
