"""What a granularity says about its units."""

from dataclasses import dataclass
from typing import Literal, final


@final
@dataclass(frozen=True, kw_only=True)
class Granularity:
    """What leaves together, and how it leaves."""

    name: str
    summary: str

    leaves: Literal["element", "slice", "component", "branch", "layer"]
    """Weights are zeroed in place; indices of several tensors are cut out; so are those of a layer in two factors,
    which becomes one again where all stay; a residual branch goes and adds nothing; a whole layer goes and passes its
    input on."""

    keep_at_least: int = 0
    """Units of one site that always stay, unless all of what they are inside of goes."""

    single: bool = False
    """Whether a unit is one weight: it saves 1, is inside of nothing, and there may be millions."""

    rounds: bool = False
    """Whether `round_to` applies: widths that a kernel walks over, not counts of heads or modules."""
