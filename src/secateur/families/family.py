"""What a model family tells the rest of the house."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from torch import nn

from secateur.group import Group


@final
@dataclass(frozen=True, kw_only=True)
class Family:
    """What may be removed from the models of one family.

    A family never decides what leaves; it only says what is tied to what.
    """

    name: str
    summary: str

    matches: Callable[[nn.Module], bool]
    """Whether a model belongs to the family."""

    groups: Callable[[nn.Module], list[Group]]
    """Every structured group of a model, shapes read from its modules, so a pruned model can be pruned again."""

    set_layers: Callable[[Any, int], None]
    """Write the number of remaining blocks into a model's configuration."""

    widths: Callable[[Any], dict[str, Any] | None]
    """Configuration values that describe a pruned model whole, or ``None`` where its shapes are not uniform."""
