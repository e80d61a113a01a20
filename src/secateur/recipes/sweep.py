"""A sweep: one recipe, and what is changed in it from cell to cell."""

from collections.abc import Sequence
from typing import Annotated, Any, cast, final

from pydantic import AfterValidator, BeforeValidator, Field

from secateur.recipes.parts import Part
from secateur.recipes.schema import MAX_SEED
from secateur.recipes.sentences import shown


def _values(value: object) -> object:
    """Read what an axis may be: a list of values, or labels with the fields that each sets.

    Raises:
        ValueError: It is neither, is empty, or has a value twice.
    """
    if isinstance(value, dict):
        return _labels(cast("dict[object, object]", value))
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of values, or a mapping from labels to fields, but is {shown(value)}")
    values = cast("Sequence[object]", value)
    twice = [one for index, one in enumerate(values) if one in values[:index]]
    if twice:
        raise ValueError(f"must have each value once, but has {shown(twice[0])} twice")
    if not values:
        raise ValueError("must have at least one value, but is an empty list")
    return list(values)


def _labels(value: dict[object, object]) -> dict[object, object]:
    if not value:
        raise ValueError("must have at least one label, but is an empty mapping")
    for label, fields in value.items():
        if not isinstance(label, str):
            raise ValueError(f"must have labels of text, but one is {shown(label)}; quote it")
        if not isinstance(fields, dict) or not fields:
            raise ValueError(f"must set fields with the label {shown(label)}, but that is {shown(fields)}")
    return value


def _once(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if not seeds:
        raise ValueError("must name at least one seed, but is an empty list")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"must name each seed once, but is {shown(list(seeds))}")
    return seeds


Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Axis = Annotated[Any, BeforeValidator(_values)]


@final
class Sweep(Part):
    """A grid of prunes; keys of fields are their dotted paths in a recipe.

    Each field is valid by itself here; `secateur.recipes.cells` says whether every cell is.
    """

    recipe: dict[str, Any]
    """The fields that all cells start from; a file may also name a recipe, shipped or of its own."""

    grid: dict[str, Axis] = Field(default_factory=dict[str, Any])
    """Axis -> values: of the recipe's field of that name a list, of any other axis labels and the fields they set."""

    without: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = ()
    """Combinations that make no cell: axis -> value or label, or a list of those."""

    also: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """Cells beside the grid: label -> the fields that it sets."""

    seeds: Annotated[tuple[Seed, ...], Field(strict=False), AfterValidator(_once)] | None = None
    """Seeds that every cell is run with; absent: the recipe's own."""
