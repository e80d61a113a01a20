"""The axes of a sweep: what is changed together, and to what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, final

from secateur.recipes.slugs import clean, slug
from secateur.recipes.sweep import Sweep


@final
@dataclass(frozen=True, kw_only=True)
class Choice:
    """One value of an axis."""

    told: Any
    """The value itself, or its label."""

    slug: str
    """What it is called in the name of a cell."""

    fields: Mapping[str, Any]
    """Dotted field -> value."""


@final
@dataclass(frozen=True, kw_only=True)
class Axis:
    """What is changed together."""

    name: str
    choices: tuple[Choice, ...]

    @property
    def always(self) -> tuple[str, ...]:
        """The fields that each of its values sets."""
        first, *others = (choice.fields for choice in self.choices)
        return tuple(field for field in first if all(field in fields for fields in others))


def axes(sweep: Sweep) -> list[Axis]:
    """Return the axes of the grid, in the order of the file.

    >>> sweep = Sweep(recipe={}, grid={"seed": [1, 2], "train": {"not": {"train.max_steps": 0}}})
    >>> [[choice.slug for choice in axis.choices] for axis in axes(sweep)]
    [['seed1', 'seed2'], ['not']]
    """
    return [Axis(name=name, choices=tuple(_choices(name, values))) for name, values in sweep.grid.items()]


def _choices(axis: str, values: Any) -> Iterator[Choice]:
    if isinstance(values, Mapping):
        for label, fields in cast("Mapping[str, Mapping[str, Any]]", values).items():
            yield Choice(told=label, slug=clean(label), fields=fields)
    else:
        for value in values:
            yield Choice(told=value, slug=slug(axis, value), fields={axis: value})
