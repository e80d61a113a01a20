"""``key=value`` from the command line, put into a recipe before it is validated."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from secateur.errors import RecipeError
from secateur.recipes.sentences import shown
from secateur.recipes.yaml_text import parse

SHORT = ("criterion", "allocation", "schedule")
"""Fields whose short form is a name: ``schedule.end=0.5`` finds ``schedule: cubic`` and keeps the name."""


def apply(
    fields: Mapping[str, Any], overrides: Sequence[str], *, levels: int | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return the fields with every override in place, and what is wrong with the overrides themselves.

    Later ones win. Whether a key exists is the schema's question, not asked here. After so many `levels`, dots belong
    to the last key.

    >>> apply({"schedule": "cubic"}, ["schedule.end=0.5", "round_to=8"])
    ({'schedule': {'name': 'cubic', 'end': 0.5}, 'round_to': 8}, [])
    """
    result, problems = dict(fields), list[str]()
    for override in overrides:
        try:
            key, value = split(override)
            result = put(result, key, value, levels=levels)
        except RecipeError as error:
            problems.extend(error.problems)
    return result, problems


def split(override: str) -> tuple[str, Any]:
    """Return the dotted path and the value of an override.

    >>> split("target.params=0.5")
    ('target.params', 0.5)

    Raises:
        RecipeError: It is not `key=value`, or its value is not YAML.
    """
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise RecipeError([f"an override must be `key=value`, as in `target.params=0.5`, but is {shown(override)}"])
    return key, parse(text, name=f"the value of `{key}`")


def put(fields: Mapping[str, Any], key: str, value: Any, *, levels: int | None = None) -> dict[str, Any]:
    """Return the fields with a value at its dotted path.

    >>> put({"seed": 1}, "train.max_steps", 0)
    {'seed': 1, 'train': {'max_steps': 0}}
    >>> put({}, "grid.train.max_steps", [0, 9], levels=2)
    {'grid': {'train.max_steps': [0, 9]}}

    Raises:
        RecipeError: What lies on the way is no mapping.
    """
    return _put(fields, key.split(".", -1 if levels is None else levels - 1), value)


def _put(fields: Mapping[str, Any], path: Sequence[str], value: Any, above: str = "") -> dict[str, Any]:
    key, place = path[0], f"{above}{path[0]}"
    if len(path) == 1:
        return {**fields, key: value}
    return {**fields, key: _put(_inside(fields.get(key), place, path[1:]), path[1:], value, f"{place}.")}


def _inside(current: Any, place: str, rest: Sequence[str]) -> Mapping[str, Any]:
    """Return the mapping that lies at `place`, to put `rest` into."""
    if place == "target":
        return {}  # a target has one unit: `target.bytes=0.5` replaces `target.params` rather than joining it
    if isinstance(current, Mapping):
        return cast("Mapping[str, Any]", current)
    if isinstance(current, str) and place in SHORT:
        return {"name": current}
    if current is None:
        return {}
    path = ".".join((place, *rest))
    raise RecipeError([f"`{place}` must be a mapping to set `{path}`, but is {shown(current)}; override it whole"])
