"""Charts as inline SVG.

matplotlib draws with placeholder colours that are then replaced by the page's own CSS variables, so that one drawing
serves light, dark and paper. Charts contain numbers only: names stand in the page beside them, where they are escaped.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from secateur.report.curves import Panel, Scale

WIDTH, HEIGHT = 4.6, 2.7
"""Inches: at the 72 points per inch of SVG a panel is as wide as a phone's screen, with labels readable there."""

INK, FAINT = "#010101", "#010102"
SERIES = ("#010111", "#010112", "#010113", "#010114", "#010115", "#010116")
COLOURS = {INK: "var(--muted)", FAINT: "var(--line)", **{c: f"var(--c{i})" for i, c in enumerate(SERIES, start=1)}}
"""Placeholder -> the CSS variable put in its place."""

Span = tuple[float, float]
"""First and last step."""

SLACK = 0.03
"""Share of the steps left free at both ends, so that a point there is whole."""

FEW = 30
"""Below this many points a curve shows each."""

WIDE_RANGE = 50
"""Largest / smallest value from which an axis becomes logarithmic."""

TOO_WIDE = 1e15
"""Beyond a double's digits the small values are rounding, and decades of them say nothing."""

SMALL = 1e-3
"""A share's axis reaches at least this high, so that all zeros still have one."""

SETTINGS: dict[Any, Any] = {  # matplotlib 3.11 names its keys in a type that older ones lack
    "svg.fonttype": "none",
    "svg.hashsalt": "secateur",
    "font.size": 9.0,
    "font.family": "DejaVu Sans",
    "axes.formatter.use_mathtext": False,
}

NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
"""Nothing that differs from day to day or from machine to machine."""


@final
@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing, and what the page writes beside it."""

    title: str
    svg: Markup
    legend: tuple[str, ...] = ()
    """Names of the series, in the order of the colours."""


@final
@dataclass(frozen=True, kw_only=True)
class Mark:
    """One point of a trade-off: what a model costs, and what it is judged by, with its interval."""

    x: float
    y: float
    interval: tuple[float, float] | None = None
    label: str = ""
    """A number of ours, never a name."""


@rc_context(SETTINGS)
def draw_panel(panel: Panel, *, name: str, stages: Sequence[float] = (), span: Span | None = None) -> Chart:
    """Curves by step, dotted uprights where a stage begins.

    `name` sets its ids apart from those of other drawings; `span` lets panels of one run share their steps.
    """
    figure, axes = blank()
    for curve, colour in zip(panel.curves, SERIES, strict=False):
        steps, values = zip(*curve.points, strict=True)
        marker = "o" if len(steps) < FEW else ""
        axes.plot(steps, values, color=colour, linewidth=1.5, marker=marker, markersize=3.5)
    for step in stages:
        axes.axvline(step, color=INK, linewidth=0.8, linestyle=":")
    set_scale(axes, [value for curve in panel.curves for _, value in curve.points], scale=panel.scale)
    if span and span[0] < span[1]:
        slack = SLACK * (span[1] - span[0])
        axes.set_xlim(span[0] - slack, span[1] + slack)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    return Chart(title=panel.title, svg=as_svg(figure, name), legend=tuple(curve.name for curve in panel.curves))


@rc_context(SETTINGS)
def draw_trade_off(marks: Sequence[Mark], *, name: str, dense: Sequence[Mark] = ()) -> Chart:
    """WER by the share kept, one numbered point per run; hollow points are dense models."""
    figure, axes = blank()
    for mark in marks:
        point(axes, mark, colour=SERIES[0], fill=SERIES[0])
    for mark in dense:
        point(axes, mark, colour=INK, fill="none")
    axes.margins(x=0.1, y=0.15)
    per_cent = FuncFormatter(lambda value, _: f"{100 * value:g} %")
    axes.xaxis.set_major_formatter(per_cent)
    axes.yaxis.set_major_formatter(per_cent)
    return Chart(title="WER by share kept", svg=as_svg(figure, name))


def point(axes: Axes, mark: Mark, *, colour: str, fill: str) -> None:
    """Draw one point with its interval and its label."""
    axes.plot([mark.x], [mark.y], marker="o", markersize=5.5, color=colour, markerfacecolor=fill)
    if mark.interval:
        axes.vlines(mark.x, *mark.interval, color=colour, linewidth=1)
    axes.annotate(mark.label, (mark.x, mark.y), xytext=(6, 4), textcoords="offset points", color=INK)


def blank() -> tuple[Figure, Axes]:
    """Return an empty chart in the page's colours."""
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=INK, length=0)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    return figure, axes


def set_scale(axes: Axes, values: Sequence[float], *, scale: Scale) -> None:
    """Start at zero for shares; logarithmic for losses that span a wide range; else linear."""
    if scale == "share":
        axes.set_ylim(bottom=0, top=max(*values, SMALL) * 1.08)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        return
    if scale == "loss" and min(values) > 0 and WIDE_RANGE < max(values) / min(values) < TOO_WIDE:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def as_svg(figure: Figure, name: str) -> Markup:
    """Return the drawing without XML preamble, its colours ours and its ids its own."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=NO_METADATA)
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    for placeholder, variable in COLOURS.items():
        drawn = drawn.replace(placeholder, variable)
    drawn = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawn, count=1)
    drawn = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 role="img"', drawn, count=1)
    # Several drawings share one document, where an id must be there once.
    return Markup(re.sub(r'( id="|url\(#|href="#)', rf"\1{name}-", drawn))
