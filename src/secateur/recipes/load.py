"""Recipes from files and back."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import ValidationError

from secateur.errors import RecipeError
from secateur.recipes import rules
from secateur.recipes.overrides import apply
from secateur.recipes.problems import sentences
from secateur.recipes.rules import Verb
from secateur.recipes.schema import PRUNING, Recipe
from secateur.recipes.sentences import nearest, shown
from secateur.recipes.shipped import command, shipped, sweeps
from secateur.recipes.yaml_text import MAX_BYTES, parse, write

Kind = Literal["recipe", "sweep"]

SHIPPED: Mapping[Kind, Callable[[], Mapping[str, Path]]] = {"recipe": shipped, "sweep": sweeps}
"""What a file may hold -> those that come along."""


def load(source: str | Path, overrides: Sequence[str] = (), *, verb: Verb) -> Recipe:
    """Load a recipe: a YAML file, or one of the shipped ones by name, with ``key=value`` overrides in place.

    Raises:
        RecipeError: It cannot be read, or anything in it is wrong; all problems are listed at once.
    """
    fields, found = apply(read(source), overrides)
    recipe, complaints, broken = judge(fields, verb=verb)
    found += complaints + broken
    if found:
        raise RecipeError(found)
    return recipe


def judge(fields: Mapping[str, Any], *, verb: Verb) -> tuple[Recipe, list[str], list[str]]:
    """Return the recipe without the fields that cannot be read, what is wrong with those, and which rules it breaks."""
    recipe, unreadable, complaints = _validate(fields)
    return recipe, complaints, rules.problems(recipe, verb=verb, unreadable=unreadable)


def recipe_from(fields: Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """Make a recipe from fields given in Python, with the same sentences for what is wrong as from a file.

    Only single fields are checked; `check` says whether they go together.

    Raises:
        RecipeError: A field is unknown or wrong; all problems are listed.
    """
    changed, found = apply(dict(fields), overrides)
    recipe, _, complaints = _validate(changed)
    if found or complaints:
        raise RecipeError(found + complaints)
    return recipe


def dump(recipe: Recipe) -> str:
    """Write a recipe as YAML that loads as the same recipe.

    A recipe without a target is written without the pruning fields that nobody set.
    """
    silent = set[str]() if recipe.sizes else set(PRUNING) - recipe.model_fields_set
    return write(recipe.model_dump(mode="json", exclude=silent))


def verb_of(source: str | Path, overrides: Sequence[str] = ()) -> Verb:
    """Guess which verb a recipe is meant for: what has a target is pruned, the rest is trained.

    Raises:
        RecipeError: The file cannot be read as YAML.
    """
    fields, _ = apply(read(source), overrides)
    return "prune" if any(fields.get(name) is not None for name in ("target", "targets")) else "train"


def read(source: str | Path, *, kind: Kind = "recipe") -> dict[str, Any]:
    """Read the fields of a recipe, or of a sweep; they are not validated.

    Raises:
        RecipeError: There is none of that name, or it is not a YAML mapping.
    """
    path = _find(source, kind)
    fields = parse(_text(path), name=f"`{path}`")
    if not isinstance(fields, dict):
        raise RecipeError([f"`{path}` must be a mapping of {kind} fields, but is {shown(fields)}"])
    return cast("dict[str, Any]", fields)


def _validate(fields: Mapping[str, Any]) -> tuple[Recipe, set[str], list[str]]:
    """Return the recipe, the fields left out of it because they cannot be read, and why."""
    try:
        return Recipe.model_validate(fields), set(), []
    except ValidationError as error:
        unreadable = {details["loc"][0] for details in error.errors()}
        rest = {name: value for name, value in fields.items() if name not in unreadable}
        return Recipe.model_validate(rest), {str(name) for name in unreadable}, sentences(error)


def _find(source: str | Path, kind: Kind) -> Path:
    path, name = Path(source), str(source)
    if path.is_file():
        return path
    names = SHIPPED[kind]()
    if name in names:
        return names[name]
    raise RecipeError(
        [f"a {kind} must be a YAML file or the name of a shipped one, but is {shown(name)}; {_advice(name, kind)}"]
    )


def _advice(name: str, kind: Kind) -> str:
    for other in SHIPPED:
        if other != kind and name in SHIPPED[other]():
            return f"that is a {other}: `{command(name)}`"
    names = SHIPPED[kind]()
    best = nearest(Path(name).stem, names)
    return f"did you mean {best}?" if best else f"those are {', '.join(names)}"


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise RecipeError([f"`{path}` must have at most {MAX_BYTES} bytes, but has more"])
        return content.decode()
    except UnicodeDecodeError as error:
        raise RecipeError([f"`{path}` must be UTF-8 text, but is not: {error.reason} at byte {error.start}"]) from error
    except OSError as error:
        raise RecipeError([f"`{path}` must be a readable file, but is not: {error.strerror}"]) from error
