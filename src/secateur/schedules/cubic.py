"""Much at first, little at the end."""

from dataclasses import dataclass
from typing import final

from secateur.schedules.schedule import ramp


@final
@dataclass(frozen=True, kw_only=True)
class Cubic:
    r"""share(p) = 1 - (1 - (p - start) / (end - start))^3, clamped to [0, 1].

    >>> [Cubic(start=0.0, end=0.5).share(p) for p in (0.0, 0.25, 0.5, 1.0)]
    [0.0, 0.875, 1.0, 1.0]

    Source: Zhu & Gupta 2017, "To prune, or not to prune" (arXiv 1710.01878), eq. 1, from initial sparsity 0.
    """

    start: float = 0.0
    end: float = 0.6

    def share(self, progress: float) -> float:
        """Return the share of the target due at `progress`."""
        return 1.0 - (1.0 - ramp(progress, self.start, self.end)) ** 3
