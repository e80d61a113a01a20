"""The same amount at every step."""

from dataclasses import dataclass
from typing import final

from secateur.schedules.schedule import ramp


@final
@dataclass(frozen=True, kw_only=True)
class Linear:
    r"""share(p) = (p - start) / (end - start), clamped to [0, 1].

    >>> [Linear(start=0.0, end=0.5).share(p) for p in (0.0, 0.25, 0.5, 1.0)]
    [0.0, 0.5, 1.0, 1.0]
    """

    start: float = 0.0
    end: float = 0.6

    def share(self, progress: float) -> float:
        """Return the share of the target due at `progress`."""
        return ramp(progress, self.start, self.end)
