"""All at once."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class OneShot:
    """Everything leaves before the first step; all steps are recovery.

    >>> [OneShot().share(p) for p in (0.0, 0.5, 1.0)]
    [1.0, 1.0, 1.0]
    """

    start: float = 0.0
    end: float = 0.0

    def share(self, progress: float) -> float:
        """Return 1."""
        return 1.0
