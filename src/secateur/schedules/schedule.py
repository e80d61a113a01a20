"""What every schedule answers: how much by now, and is something due."""

import math
from typing import Final, Protocol

ROUNDING: Final = 1e-12
"""Relative slack of a product of two floats: 0.55 * 100 is above 55."""


class Schedule(Protocol):
    """How the target is approached. `progress` is the share of training steps done, in [0, 1]."""

    @property
    def end(self) -> float:
        """The progress from which on the share is 1 and the structure stays."""
        ...

    def share(self, progress: float) -> float:
        """Return the share of the target that must be reached by now, in [0, 1], never falling."""
        ...


def ramp(progress: float, start: float, end: float) -> float:
    """Map [start, end] linearly onto [0, 1], and clamp outside.

    >>> [ramp(p, 0.25, 0.75) for p in (0.1, 0.25, 0.5, 0.75, 1.0)]
    [0.0, 0.0, 0.5, 1.0, 1.0]
    >>> ramp(0.4, 0.5, 0.5), ramp(0.5, 0.5, 0.5)
    (0.0, 1.0)
    """
    if progress >= end:
        return 1.0
    return max(0.0, progress - start) / (end - start) if end > start else 0.0


def due(step: int, *, total: int, schedule: Schedule, every: int) -> bool:
    """Whether the structure is to be cut again after `step` of `total` steps: every `every` steps, and at the end.

    >>> from secateur.schedules.linear import Linear
    >>> [s for s in range(11) if due(s, total=10, schedule=Linear(start=0.0, end=0.7), every=3)]
    [3, 6, 7]
    """
    last = last_step(schedule.end, total)
    return 0 < step <= last and (step % every == 0 or step == last)


def last_step(end: float, total: int) -> int:
    """Return the first of `total` steps at which progress has reached `end`: at least 1, unless there are none."""
    return min(max(1, math.ceil(end * total * (1 - ROUNDING))), total)
