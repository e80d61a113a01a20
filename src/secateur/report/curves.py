"""The training log as curves over one axis of steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

from secateur.report.cuts import NAMES
from secateur.report.values import number, text

Scale = Literal["loss", "share", "rate"]

Point = tuple[float, float]

PREFIXES = ("loss_", "open_")
"""How the log names the parts of the loss, and the mean openness of the gates of each granularity."""

MAX_PARTS = 6
"""Curves of one panel; the palette has as many colours."""

MAX_STAGES = 8
"""More uprights than this are a grid."""

DIVERGED = 1e30
"""A value from here on is no loss any more, and would flatten all others."""

MAX_POINTS = 400
"""Points of a curve, about one per pixel of a panel on a phone."""


@final
@dataclass(frozen=True, kw_only=True)
class Curve:
    """One quantity by step."""

    name: str
    points: tuple[Point, ...]


@final
@dataclass(frozen=True, kw_only=True)
class Panel:
    """Curves that share an axis."""

    title: str
    scale: Scale
    curves: tuple[Curve, ...]


def panels(log: Sequence[Mapping[str, object]]) -> tuple[Panel, ...]:
    """Loss, share kept, gates, validation WER or perplexity, and learning rate, as far as the log has them."""
    timed = timeline(log)
    parts, gates = ({k: k.removeprefix(p) for _, record in timed for k in record if k.startswith(p)} for p in PREFIXES)
    wanted: tuple[tuple[str, Scale, Mapping[str, str]], ...] = (
        ("Loss", "loss", {"loss": "loss", **parts}),
        ("Share kept", "share", {"kept_wanted": "wanted", "kept_expected": "expected", "kept_reached": "reached"}),
        ("Gates open", "share", {key: NAMES.get(name, name) for key, name in gates.items()}),
        ("Validation WER", "share", {"valid_wer": "WER"}),
        ("Validation perplexity", "loss", {"valid_perplexity": "perplexity"}),
        ("Learning rate", "rate", {"learning_rate": "learning rate"}),
    )
    drawn = (Panel(title=title, scale=scale, curves=_curves(timed, keys)) for title, scale, keys in wanted)
    return tuple(panel for panel in drawn if panel.curves)


def stages(log: Sequence[Mapping[str, object]]) -> tuple[tuple[str, float], ...]:
    """Each stage of the run with the step it begins at; none where the run had only one."""
    begun: list[tuple[str, float]] = []
    for step, record in timeline(log):
        stage = text(record, ("stage",))
        if stage is not None and (not begun or begun[-1][0] != stage):
            begun.append((stage, step))
    return tuple(begun[:MAX_STAGES]) if len(begun) > 1 else ()


def timeline(log: Iterable[Mapping[str, object]]) -> list[tuple[float, Mapping[str, object]]]:
    """Records with their place on one axis of steps, which never runs backwards.

    A stage that counts from its own start is set behind the one before. Within a stage, a step that falls back is a
    resumed run: what it had written beyond its checkpoint is done again, so the older lines go.

    >>> log = [{"step": 1}, {"step": 9, "loss": 5}, {"step": 2}, {"step": 1, "stage": "recover"}]
    >>> [step for step, _ in timeline(log)]
    [1, 2, 3]
    """
    placed: list[tuple[float, Mapping[str, object]]] = []
    start: float = 0
    stage: str | None = None
    for record in log:
        step, named = number(record, ("step",)), text(record, ("stage",))
        if step is None:
            continue
        if placed and named not in (None, stage) and start + step < placed[-1][0]:
            start = placed[-1][0]
        elif placed and start + step < placed[-1][0]:
            while placed and placed[-1][0] >= start + step:
                placed.pop()
        placed.append((start + step, record))
        stage = named or stage
    return placed


def thin(points: Sequence[Point], limit: int = MAX_POINTS) -> tuple[Point, ...]:
    """At most about `limit` points: the lowest and the highest of each stretch, so that a spike stays to be seen.

    >>> thin([(0, 1), (1, 9), (2, 2), (3, 3)], 2)
    ((0, 1), (1, 9))
    """
    if len(points) <= limit:
        return tuple(points)
    width = -(-2 * len(points) // limit)
    kept: list[Point] = []
    for start in range(0, len(points), width):
        stretch = sorted(points[start : start + width], key=lambda point: point[1])
        kept.extend(sorted({stretch[0], stretch[-1]}))
    return tuple(kept)


def _curves(timed: Sequence[tuple[float, Mapping[str, object]]], keys: Mapping[str, str]) -> tuple[Curve, ...]:
    found: list[Curve] = []
    for key, name in keys.items():
        values = ((step, number(record, (key,))) for step, record in timed)
        points = [(step, value) for step, value in values if value is not None and abs(value) < DIVERGED]
        if points:
            found.append(Curve(name=name, points=thin(points)))
    return tuple(found[:MAX_PARTS])
