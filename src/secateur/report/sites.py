"""Reading `plan.json`: what each site of the model kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, final

from secateur.errors import DataError
from secateur.report.values import number, sequence, text

WHOLE = ("module", "layer")
"""Granularities whose only unit is everything at their place."""


@final
@dataclass(frozen=True, kw_only=True)
class Site:
    """One place of the model and how many of its units stayed."""

    granularity: str
    module: str
    units: int
    kept: int

    @property
    def gone(self) -> bool:
        """Whether nothing of it stayed."""
        return self.kept == 0

    @property
    def whole(self) -> bool:
        """Whether it stands for a residual module or a block as a whole."""
        return self.granularity in WHOLE


def sites(plan: Mapping[str, object]) -> tuple[Site, ...]:
    """The sites of a plan, in its order.

    Raises:
        DataError: A site lacks its name, or keeps more units than it had.
    """
    return tuple(_site(found, index) for index, found in enumerate(sequence(plan, ("sites",))))


def _site(found: object, index: int) -> Site:
    name, _, suffix = (text(found, ("name",)) or "").partition(":")
    module = text(found, ("module",)) or name
    granularity = text(found, ("granularity",)) or suffix
    units, kept = number(found, ("units",)), _kept(found)
    if not module or units is None or kept is None or not 0 <= kept <= units:
        raise DataError(
            f"`sites[{index}]` of plan.json must have a module, its units and at most as many kept, "
            f"but is {str(found)[:80]}; write the plan again with `secateur prune`"
        )
    return Site(granularity=granularity, module=module, units=int(units), kept=int(kept))


def _kept(found: object) -> float | int | None:
    """The length of `kept`; of elements, too many to list, the plan has only `kept_count`."""
    listed = cast(Mapping[str, object], found).get("kept") if isinstance(found, Mapping) else None
    return len(cast(list[object], listed)) if isinstance(listed, list) else number(found, ("kept_count",))
