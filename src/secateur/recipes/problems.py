"""pydantic's complaints as our sentences."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from secateur.recipes import train_fields
from secateur.recipes.architecture import SPEECH_MODEL, TEXT_MODEL, Architecture, TextArchitecture
from secateur.recipes.names import LATER_FIELDS
from secateur.recipes.schema import Recipe
from secateur.recipes.sentences import nearest, shown

Location = tuple[int | str, ...]
"""Where pydantic complains: keys and indices from the top."""

REQUIREMENTS: Mapping[str, str] = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "finite_number": "must be finite",
    "float_type": "must be a number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be an integer",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "model_type": "must be a mapping",
    "string_type": "must be text",
    "too_short": "must have {min_length} or more entries",
    "tuple_type": "must be a list",
}
"""pydantic's error type -> the requirement in our words, filled from the error's context."""


def sentences(error: ValidationError, *, unknown: Callable[[Location], str] | None = None) -> list[str]:
    """Return one sentence per complaint: the field, the requirement, what arrived, what to do.

    `unknown` words the complaint about a key that is no field, where it is not a recipe that is complained about.
    """
    return [_sentence(details, unknown or _unknown) for details in error.errors(include_url=False)]


def _sentence(details: ErrorDetails, unknown: Callable[[Location], str]) -> str:
    kind, context, path = details["type"], details.get("ctx", {}), dotted(details["loc"])
    bounds = {name: f"{bound:g}" if isinstance(bound, float) else bound for name, bound in context.items()}
    if kind == "extra_forbidden":
        return unknown(details["loc"])
    if kind == "missing":
        return f"`{path}` must be given, but is absent"
    if kind == "value_error":
        return f"`{path}` {context['error']}"
    if kind == "invalid_key" or details["loc"][-1] == "[key]":
        keys = [str(part) for part in details["loc"] if part != "[key]"]
        return f"`{'.'.join(keys)}` must be a text key, but is {shown(details['input'])}; quote it"
    requirement = REQUIREMENTS.get(kind, details["msg"].replace("Input should", "must")).format(**bounds)
    return f"`{path}` {requirement}, but is {shown(details['input'])}"


def dotted(location: Location) -> str:
    """Write a place in the recipe as users write it.

    >>> dotted(("bench", "seconds", 0))
    'bench.seconds[0]'
    """
    silent = ("[key]", SPEECH_MODEL, TEXT_MODEL)
    names = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if part not in silent]
    return "".join(names).removeprefix(".")


def _unknown(location: Location) -> str:
    path, key = dotted(location), str(location[-1])
    if path in LATER_FIELDS:
        return f"`{path}` is not built yet; {LATER_FIELDS[path]}"
    kinds = [kind for kind in KINDS if kind in location]
    places = {place: part for place, part in _places(Recipe) if not kinds or _is_of(place, kinds[0])}
    parent = path.removesuffix(key)
    siblings = [place.removeprefix(parent) for place in places if place.rpartition(".")[0] == parent.rstrip(".")]
    if kinds and key in OTHER[kinds[0]].model_fields:
        return f"`{path}` is not a field of such a model; `architecture.family` says which it is, parakeet unless given"
    best = nearest(key, siblings)
    proposal = f"{parent}{best}" if best else _elsewhere(key, places)
    advice = f"did you mean `{proposal}`?" if proposal else f"the fields there are {', '.join(siblings)}"
    return f"`{path}` is not a field of a recipe; {advice}"


KINDS: Mapping[str, type[BaseModel]] = {SPEECH_MODEL: Architecture, TEXT_MODEL: TextArchitecture}
OTHER: Mapping[str, type[BaseModel]] = {SPEECH_MODEL: TextArchitecture, TEXT_MODEL: Architecture}
"""What the two kinds of architecture have for fields."""


def _is_of(place: str, kind: str) -> bool:
    """Whether a place in the recipe exists beside an architecture of that kind."""
    parent, _, field = place.partition(".")
    return parent != "architecture" or not field or field in KINDS[kind].model_fields


def _elsewhere(key: str, places: Mapping[str, object]) -> str | None:
    """A field of that very name in another part of the recipe; what the Trainer calls so is meant first."""
    if key in train_fields.fields():
        return f"train.{key}"
    return next((place for place in places if place.rpartition(".")[2] == key), None)


def _places(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every dotted field below `model`, with its annotation."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field.annotation
        for part in _models(field.annotation):
            yield from _places(part, f"{prefix}{name}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
