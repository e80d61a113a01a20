"""Sweeps from files and back."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from secateur.errors import RecipeError
from secateur.recipes.axes import axes
from secateur.recipes.cells import problems
from secateur.recipes.load import SHIPPED, read
from secateur.recipes.overrides import apply
from secateur.recipes.problems import Location, dotted, sentences
from secateur.recipes.schema import Recipe
from secateur.recipes.sentences import nearest, shown
from secateur.recipes.sweep import Sweep
from secateur.recipes.yaml_text import write

FIELDS = tuple(Sweep.model_fields)

RECIPE = "recipe."
"""May begin the key of an override that reaches the recipe, and says nothing."""


def load_sweep(source: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    """Load a sweep: a YAML file, or one of the shipped ones by name, with ``key=value`` overrides in place.

    Raises:
        RecipeError: It cannot be read, or anything in it or in any of its cells is wrong; all problems are listed.
    """
    return sweep_from(read(source, kind="sweep"), overrides)


def sweep_from(fields: Mapping[str, Any], overrides: Sequence[str] = ()) -> Sweep:
    """Make a sweep from fields given in Python, with the same sentences for what is wrong as from a file.

    Overrides reach the recipe that all cells start from. Those whose key begins with a field of the sweep itself, as
    ``seeds=[0,1]`` or ``grid.criterion=[taylor]``, reach that.

    Raises:
        RecipeError: Anything in it or in any of its cells is wrong; all problems are listed.
    """
    changed, found = _apply(fields, overrides)
    sweep, complaints = _validate(changed)
    found += complaints
    if sweep is not None:
        found += [*_overruled(sweep, overrides), *problems(sweep)]
    if sweep is None or found:
        raise RecipeError(found)
    return sweep


def dump_sweep(sweep: Sweep) -> str:
    """Write a sweep as YAML that loads as the same sweep."""
    return write(sweep.model_dump(mode="json"))


def is_sweep(source: str | Path) -> bool:
    """Whether a file, or a shipped name, is a sweep rather than a recipe.

    Raises:
        RecipeError: The file cannot be read as YAML.
    """
    if Path(source).is_file():
        return not read(source).keys().isdisjoint(FIELDS)
    return str(source) in SHIPPED["sweep"]()


def _apply(fields: Mapping[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Put overrides into the sweep, and into the recipe that it names then."""
    changed, found = apply(fields, [one for one in overrides if _is_own(one)], levels=2)
    base = changed.get("recipe")
    if isinstance(base, str):
        base = read(base)
    if isinstance(base, Mapping):
        rest = [one.strip().removeprefix(RECIPE) for one in overrides if not _is_own(one)]
        changed["recipe"], more = apply(cast("Mapping[str, Any]", base), rest)
        found += more
    return changed, found


def _is_own(override: str) -> bool:
    key = override.partition("=")[0].strip()
    return key.partition(".")[0] in FIELDS and not key.startswith(RECIPE)


def _validate(fields: Mapping[str, Any]) -> tuple[Sweep | None, list[str]]:
    """Return the sweep, where its cells can be told, and what is wrong with its fields."""
    try:
        return Sweep.model_validate(fields), []
    except ValidationError as error:
        unreadable = {details["loc"][0] for details in error.errors()}
        rest = {name: value for name, value in fields.items() if name not in unreadable}
        told = "recipe" in rest and unreadable.isdisjoint(FIELDS)
        return Sweep.model_validate(rest) if told else None, sentences(error, unknown=_unknown)


def _unknown(location: Location) -> str:
    key = str(location[-1])
    best = nearest(key, FIELDS)
    advice = f"did you mean `{best}`?" if best else f"those are {', '.join(FIELDS)}"
    if key in Recipe.model_fields:
        advice = "it is one of a recipe: put it into `recipe`, or into `grid` as an axis"
    return f"`{dotted(location)}` is not a field of a sweep; {advice}"


def _overruled(sweep: Sweep, overrides: Sequence[str]) -> Iterator[str]:
    """Name the overrides of the recipe that every cell overrules."""
    always = {field: f"grid.{axis.name}" for axis in axes(sweep) for field in axis.always}
    if sweep.seeds is not None:
        always["seed"] = "seeds"
    for override in overrides:
        key = override.partition("=")[0].strip().removeprefix(RECIPE)
        place = next((place for field, place in always.items() if _hides(field, key)), None)
        if place is not None and not _is_own(override):
            yield (
                f"an override must reach the cells, but {shown(override)} does not: `{place}` sets that in each; give "
                f"`{place}=...` instead"
            )


def _hides(field: str, key: str) -> bool:
    """Whether what is set at `field` replaces what lies at `key`; a target is replaced whole."""
    return field == key or key.startswith(f"{field}.") or field.split(".")[0] == key.split(".")[0] == "target"
