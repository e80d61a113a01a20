"""Many models as points, and the front that the best of them make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from secateur.report.figures import INK, SERIES, SETTINGS, Chart, Mark, as_svg, blank, point, set_scale
from secateur.report.front import Pair

MAX_SERIES = len(SERIES)
"""Colours that the palette has."""

FRONT_WIDTH, FRONT_ALPHA = 1.2, 0.8
"""The front's line: to be seen, and behind the points."""


@final
@dataclass(frozen=True, kw_only=True)
class Scatter:
    """What is drawn."""

    title: str
    series: Mapping[str, Sequence[Mark]]
    """Name -> its points, in the order of the colours; at most `MAX_SERIES`."""

    others: Sequence[Mark] = ()
    """Points that belong to none, in grey."""

    dense: Sequence[Mark] = ()
    """Dense models, hollow."""

    front: Sequence[Pair] = ()
    """The points on the front, cheapest first."""

    shares: bool = False
    """Whether the height is a fraction, to be printed as per cent; else it is a perplexity."""


@rc_context(SETTINGS)
def draw_scatter(drawn: Scatter, *, name: str) -> Chart:
    """Draw the points over a share of the dense model, and the front as the stairs of what can be had.

    `name` sets its ids apart from those of other drawings.
    """
    figure, axes = blank()
    _stairs(axes, drawn.front)
    for marks, colour in zip(drawn.series.values(), SERIES, strict=False):
        _points(axes, marks, colour=colour, fill=colour)
    _points(axes, drawn.others, colour=INK, fill=INK)
    _points(axes, drawn.dense, colour=INK, fill="none")
    per_cent = FuncFormatter(lambda value, _: f"{100 * value:g} %")
    axes.xaxis.set_major_formatter(per_cent)
    if drawn.shares:
        axes.yaxis.set_major_formatter(per_cent)
    else:
        set_scale(axes, _heights(drawn), scale="loss")
    axes.margins(x=0.1, y=0.15)
    return Chart(title=drawn.title, svg=as_svg(figure, name), legend=tuple(drawn.series))


def _stairs(axes: Axes, front: Sequence[Pair]) -> None:
    """Between two points of the front only the cheaper one's quality can be had, hence no slopes."""
    if len(front) > 1:
        costs, heights = zip(*front, strict=True)
        axes.plot(costs, heights, drawstyle="steps-post", color=INK, linewidth=FRONT_WIDTH, alpha=FRONT_ALPHA, zorder=1)


def _points(axes: Axes, marks: Sequence[Mark], *, colour: str, fill: str) -> None:
    for mark in marks:
        point(axes, mark, colour=colour, fill=fill)


def _heights(drawn: Scatter) -> list[float]:
    every = [*(mark for marks in drawn.series.values() for mark in marks), *drawn.others, *drawn.dense]
    return [mark.y for mark in every]
