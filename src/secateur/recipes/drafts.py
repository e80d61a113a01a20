"""What a sweep changes from cell to cell: every combination of its axes, and every cell beside the grid."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, final

from secateur.recipes.axes import axes
from secateur.recipes.sentences import nearest, shown
from secateur.recipes.slugs import clean
from secateur.recipes.sweep import Sweep

MAX_CELLS = 1000
"""Each is a run of minutes at least; more come from a slip."""


@final
@dataclass(frozen=True, kw_only=True)
class Draft:
    """A cell before its recipe is made."""

    name: str
    axes: Mapping[str, Any]
    fields: Mapping[str, Any]


def drafts(sweep: Sweep) -> list[Draft]:
    """Return the grid's cells, the first axis slowest, then those beside it; each with all seeds."""
    every = [*_in_grid(sweep), *_beside_grid(sweep)]
    return [seeded for draft in every for seeded in _seeded(draft, sweep)]


def shape_problems(sweep: Sweep) -> list[str]:
    """Return what is wrong before any cell is looked at: what `without` names, and how many cells there are."""
    return [*_combinations(sweep), *_count(sweep)]


def _seeded(draft: Draft, sweep: Sweep) -> Iterator[Draft]:
    if sweep.seeds is None:
        yield draft
    for seed in sweep.seeds or ():
        yield Draft(name=f"{draft.name}-seed{seed}", axes=draft.axes, fields={**draft.fields, "seed": seed})


def _in_grid(sweep: Sweep) -> Iterator[Draft]:
    every = axes(sweep)
    for choices in product(*(axis.choices for axis in every)) if every else ():
        told = {axis.name: choice.told for axis, choice in zip(every, choices, strict=True)}
        if not any(_matches(told, combination) for combination in sweep.without):
            fields = {name: value for choice in choices for name, value in choice.fields.items()}
            yield Draft(name="-".join(choice.slug for choice in choices), axes=told, fields=fields)


def _beside_grid(sweep: Sweep) -> Iterator[Draft]:
    """A cell beside the grid stands on those axes that are fields, as far as it sets them."""
    plain = [name for name, values in sweep.grid.items() if not isinstance(values, Mapping)]
    for label, fields in sweep.also.items():
        told = {name: fields[name] for name in plain if name in fields}
        yield Draft(name=clean(label), axes=told, fields=fields)


def _matches(told: Mapping[str, Any], combination: Mapping[str, Any]) -> bool:
    return all(_is_among(told[axis], wanted) for axis, wanted in combination.items())


def _is_among(told: Any, wanted: Any) -> bool:
    """Whether a value is the one wanted or one of those wanted; a value may be a list itself."""
    return told == wanted or (isinstance(wanted, list) and told in wanted)


def _combinations(sweep: Sweep) -> Iterator[str]:
    """Name the combinations that no cell of the grid has."""
    known = {axis.name: [choice.told for choice in axis.choices] for axis in axes(sweep)}
    for index, combination in enumerate(sweep.without):
        place = f"without[{index}]"
        if not combination:
            yield f"`{place}` must name a value of an axis, but is empty, which would leave nothing of the grid"
        for axis, wanted in combination.items():
            if axis not in known:
                best = nearest(axis, known)
                advice = f"did you mean {best}?" if best else f"those are {', '.join(known) or 'none'}"
                yield f"`{place}` must name axes of `grid`, but names {shown(axis)}; {advice}"
            elif wanted not in known[axis] and not _are_among(wanted, known[axis]):
                yield (
                    f"`{place}.{axis}` must be a value of that axis, or a list of them, but is {shown(wanted)}; they "
                    f"are {', '.join(map(shown, known[axis]))}"
                )


def _are_among(wanted: Any, values: list[Any]) -> bool:
    return isinstance(wanted, list) and bool(wanted) and all(one in values for one in wanted)


def _count(sweep: Sweep) -> Iterator[str]:
    lengths = [len(axis.choices) for axis in axes(sweep)]
    grid = math.prod(lengths) if lengths else 0
    count = (grid + len(sweep.also)) * len(sweep.seeds or (None,))
    if count > MAX_CELLS:
        yield f"a sweep must have at most {MAX_CELLS:,} cells, but `grid`, `also` and `seeds` make {count:,}"
    elif not count:
        yield "`grid` must be given, or `also`, but both are absent; as in `grid: {criterion: [magnitude, taylor]}`"
