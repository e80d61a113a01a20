"""How far a method may cut."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from secateur.granularity import GRANULARITIES


@final
@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may not be cut finer or further."""

    keep_at_least: Mapping[str, int] = field(default_factory=dict[str, int])
    """Granularity -> units that stay at every site; granularities not named use their own default."""

    round_to: int = 1
    """What the kept feed-forward units and channels of a site are a multiple of."""

    def keeping(self) -> dict[str, int]:
        """Return the number to keep for every granularity."""
        return {name: self.keep_at_least.get(name, g.keep_at_least) for name, g in GRANULARITIES.items()}

    def rounding(self) -> dict[str, int]:
        """Return the multiple for every granularity."""
        return {name: self.round_to if g.rounds else 1 for name, g in GRANULARITIES.items()}
