"""The frozen records that flow through the house.

    model --families--> Groups --criteria, granularity--> unit scores
        --allocation, masks--> masks --surgery--> small model, plan.json

A *unit* is what leaves together: one hidden unit, one head, one channel, one residual module. A *Group* is all units
of one granularity at one place of the model, so its name is a *site*. Tensors travel as ``dict[site, Tensor]``; a site
that is absent is left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from torch import Tensor

Masks = Mapping[str, Tensor]
"""Site -> bool tensor of shape (units,); ``True`` is kept."""


@final
@dataclass(frozen=True, kw_only=True)
class Slice:
    """Where the units of a group lie in one parameter or buffer.

    Unit ``u`` owns the indices ``offset + u * width ... offset + (u + 1) * width - 1`` of axis `dim`. With
    ``dim=None`` the units share the whole tensor: the only one has all of it, tiles of `block` lie side by side, and
    as many units as weights have one each.
    """

    tensor: str
    """Dotted name of the parameter or buffer."""

    dim: int | None = None
    """The axis along which the units lie."""

    width: int = 1
    """Consecutive indices per unit: the head dimension for heads, 1 for hidden units and channels."""

    offset: int = 0
    """Index of the first unit's first entry: the second half of a gated linear unit starts at the channel count."""

    block: tuple[int, int] | None = None
    """How far a unit reaches along the tensor's first two axes, one tile per index of the others; the tiles are counted
    row by row."""

    gate: bool = False
    """Whether these weights read the unit's output, so that the sum of w * dL/dw over them is the gradient of a gate
    placed on the unit."""


@final
@dataclass(frozen=True, kw_only=True)
class Runs:
    """Neighbours of which some always stay.

    Units lie in rows of `stride` one behind the other; each `of` rows in turn are `stride` runs, and of a run `stay`
    units may never leave.
    """

    stay: int
    of: int
    stride: int = 1


@final
@dataclass(frozen=True, kw_only=True)
class Group:
    """All units of one granularity at one place of a model: everything that must leave together, per unit.

    Families build groups; nobody else reads a model's attribute names.
    """

    name: str
    """The site, unique in the model: ``<module>:<granularity>``."""

    granularity: str
    module: str
    """Dotted name of the module whose multiply-accumulates shrink in proportion to the units kept."""

    units: int
    slices: tuple[Slice, ...]
    also: tuple[str, ...] = ()
    """Modules besides `module` whose multiply-accumulates shrink so too: what filters the channels that it writes, and
    at last the layer that reads them."""

    counts: tuple[tuple[str, int], ...] = ()
    """Attributes of `module` that hold so many times the number of units: ("config.num_attention_heads", 1)."""

    inside: tuple[str, ...] = ()
    """Sites whose removal removes every unit of this group too: a head is inside its attention module, and that
    inside its layer. The innermost comes first."""

    drops: tuple[str, ...] = ()
    """Modules besides `module` that leave with it: the norm in front of a residual branch."""

    outputs: int = 1
    """How many values `module` returns, so that what replaces a removed one returns as many."""

    free: float = 0.0
    """Units that can leave before anything is saved: a layer in two factors is larger than in one until its rank is
    below in * out / (in + out). Where no more leave, it is put together again."""
    runs: Runs | None = None
    """Which of the units may not leave together."""

    def __str__(self) -> str:
        where = ", ".join(f"{s.tensor}[{s.dim}]" if s.dim is not None else s.tensor for s in self.slices)
        return f"{self.name}: {self.units} x ({where})"
