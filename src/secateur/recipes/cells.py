"""The cells of a sweep: each a recipe with a name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from secateur.errors import RecipeError
from secateur.recipes.drafts import Draft, drafts, shape_problems
from secateur.recipes.load import dump, judge
from secateur.recipes.names import SIZE
from secateur.recipes.overrides import put
from secateur.recipes.schema import Recipe
from secateur.recipes.sweep import Sweep
from secateur.recipes.unread import as_read, unread

MAX_NAME = 200
"""Characters of a cell's name: file systems take 255 bytes."""

MAX_TOLD = 3
"""Cells that a sentence names; the others are counted."""


@final
@dataclass(frozen=True, kw_only=True)
class Cell:
    """One prune of a sweep."""

    name: str
    """Of its run folder."""

    axes: Mapping[str, Any]
    """Axis -> value or label; of a cell beside the grid, the fields among the axes that it sets."""

    recipe: Recipe


@final
@dataclass(frozen=True, kw_only=True)
class Complaint:
    """What is wrong with a cell's recipe."""

    sentence: str
    broken: bool = False
    """Whether it is a rule between fields, so that leaving the combination out mends it."""

    def told(self, names: Sequence[str], *, of: int) -> str:
        """Say which cells it is about; one about all of them is about what they share."""
        if len(names) == of:
            return self.sentence
        cells = ", ".join(f"`{name}`" for name in names[:MAX_TOLD])
        rest = f" and {len(names) - MAX_TOLD:,} more" if len(names) > MAX_TOLD else ""
        advice = "; leave such a combination out with `without`, or change it" if self.broken else ""
        return f"in {cells}{rest}: {self.sentence}{advice}"


def cells(sweep: Sweep) -> list[Cell]:
    """Return the cells of a sweep: the grid's, the first axis slowest, then those beside it; each with all seeds.

    Raises:
        RecipeError: Anything is wrong with any of them; all problems are listed.
    """
    made, found = _make(sweep)
    if found:
        raise RecipeError(found)
    return made


def problems(sweep: Sweep) -> list[str]:
    """Return everything that is wrong with the cells of a sweep, each sentence once."""
    return _make(sweep)[1]


def _make(sweep: Sweep) -> tuple[list[Cell], list[str]]:
    found = shape_problems(sweep)
    if found:
        return [], found
    planned = drafts(sweep)
    found = list(_names(planned))
    made: list[Cell] = []
    wrong: dict[Complaint, list[str]] = {}
    for draft in planned:
        recipe, complaints = _recipe(sweep, draft)
        made.append(Cell(name=draft.name, axes=draft.axes, recipe=recipe))
        for complaint in complaints:
            wrong.setdefault(complaint, []).append(draft.name)
    found += [complaint.told(names, of=len(planned)) for complaint, names in wrong.items()]
    return made, found or [*_twins(made), *_size_twice(made)]


def _recipe(sweep: Sweep, draft: Draft) -> tuple[Recipe, list[Complaint]]:
    fields: dict[str, Any] = dict(sweep.recipe)
    try:
        for name, value in draft.fields.items():
            fields = put(fields, name, value)
    except RecipeError as error:
        return Recipe(), [Complaint(sentence=problem) for problem in error.problems]
    recipe, complaints, broken = judge(fields, verb="prune")
    ours = [Complaint(sentence=sentence) for sentence in complaints]
    return recipe, [*ours, *(Complaint(sentence=sentence, broken=True) for sentence in broken)]


def _names(planned: Sequence[Draft]) -> Iterator[str]:
    if not planned:
        yield "`without` must leave cells of the grid, or `also` add some, but neither does"
    taken: set[str] = set()
    for draft in planned:
        if len(draft.name) > MAX_NAME:
            yield f"a cell's name must have at most {MAX_NAME} characters, but `{draft.name}` has {len(draft.name)}"
        if draft.name.casefold() in taken:
            yield (
                f"cells must have names of their own, but two would be called `{draft.name}`; give the values of an "
                f"axis labels, as in `grid: {{how: {{quickly: {{train.max_steps: 100}}}}}}`"
            )
        taken.add(draft.name.casefold())


def _twins(made: Sequence[Cell]) -> Iterator[str]:
    """Name the cells that would do what another does."""
    first: dict[str, Cell] = {}
    for cell in made:
        twin = first.setdefault(dump(as_read(cell.recipe)), cell)
        if twin is not cell:
            yield f"cells must differ, but `{twin.name}` and `{cell.name}` {_sameness(twin.recipe, cell.recipe)}"


def _size_twice(made: Sequence[Cell]) -> Iterator[str]:
    """Keep the axis free that several sizes of one run are told apart by."""
    several = [cell.name for cell in made if SIZE in cell.axes and cell.recipe.targets]
    if several:
        yield (
            f"`grid.{SIZE}` must have another name where cells have `targets`, as `{several[0]}` has: their sizes are "
            f"the axis `{SIZE}` of the results"
        )


def _sameness(one: Recipe, other: Recipe) -> str:
    names = unread(one, other)
    if not names:
        return (
            "are the same recipe; leave one out, or let what tells them apart set something that the other does not "
            "overwrite"
        )
    fields = " and ".join(f"`{name}`" for name in names)
    return f"do only in {fields}, which the method {one.method} does not read; leave one out"
