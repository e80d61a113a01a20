"""Paths inside recipes: two variables, expanded once."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from secateur.recipes.sentences import listed, shown

VARIABLE = "SECATEUR_DATA"
"""The environment variable that says where the real speech lies."""

DEFAULT = "../shared/data"
"""Its value where it is not set, relative to the current directory."""

VARIABLES: Mapping[str, Callable[[], str]] = {
    VARIABLE: lambda: os.environ.get(VARIABLE) or DEFAULT,
    "SECATEUR_RECIPES": lambda: str(Path(__file__).parent),
}
"""What a path may refer to -> its value; the second is where the recipes lie that come along, and the demo's model."""

Paths = str | tuple[str, ...]
"""One manifest, or several that are read one after the other."""

NamedPaths = Paths | dict[str, Paths]
"""The same, or several sets that are measured apart, by name."""

_REFERENCE = re.compile(r"\$\{([^}]*)\}")


def expand(path: str) -> str:
    """Replace ``${SECATEUR_DATA}`` and ``${SECATEUR_RECIPES}`` in `path`.

    Raises:
        ValueError: The path is empty or refers to another variable.
    """
    others = [name for name in _REFERENCE.findall(path) if name not in VARIABLES]
    if others:
        known = listed([f"${{{name}}}" for name in VARIABLES])
        raise ValueError(f"may refer to {known} only, but is {shown(path)}; write ${{{others[0]}}} out")
    if not path.strip():
        raise ValueError(f"must be a path, but is {shown(path)}")
    return _REFERENCE.sub(lambda reference: VARIABLES[reference[1]](), path)


def expand_if_given(path: object) -> object:
    """Expand text; leave whatever else it is to the type check behind."""
    return expand(path) if isinstance(path, str) else path


def manifests(value: object) -> Paths | None:
    """Read a path or a list of paths, expanded.

    Raises:
        ValueError: It is neither.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return expand(value)
    if isinstance(value, Mapping) and "dataset" in value:
        raise ValueError("names a Hugging Face dataset, which is not built yet; give the path of a manifest")
    paths = cast("tuple[Any, ...]", tuple(value) if isinstance(value, list | tuple) else ())
    if not paths or not all(isinstance(path, str) for path in paths):
        raise ValueError(f"must be the path of a manifest or a list of such paths, but is {shown(value)}")
    return tuple(expand(path) for path in paths)


def named_manifests(value: object) -> NamedPaths | None:
    """Read a path, a list of paths, or a mapping from names of sets to either.

    Raises:
        ValueError: It is none of these.
    """
    if not isinstance(value, Mapping) or "dataset" in value:
        return manifests(cast("object", value))
    sets = cast("Mapping[object, object]", value)
    return {_name(name): _present(str(name), paths) for name, paths in sets.items()} or _refuse_empty()


def _name(name: object) -> str:
    if isinstance(name, str) and name:
        return name
    raise ValueError(f"must name its sets in text, but one is called {shown(name)}; quote the name")


def _present(name: str, value: object) -> Paths:
    try:
        paths = manifests(value)
    except ValueError as error:
        raise ValueError(f"has the set {shown(name)}, which {error}") from None
    if paths is None:
        raise ValueError(f"has the set {shown(name)}, which must be the path of a manifest, but is null")
    return paths


def _refuse_empty() -> NamedPaths:
    raise ValueError("must name at least one set, but is an empty mapping; leave it out instead")
