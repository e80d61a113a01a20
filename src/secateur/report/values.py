"""Finding a value in a report that may lack any of its keys.

A path is the keys from the top of the report, an index where a list lies on the way. Written with dots it is the
`data-key` of the number on the page: ``("pruned", "wer_ci95", 0)`` is ``pruned.wer_ci95.0``.
"""

import math
from collections.abc import Mapping, Sequence
from typing import cast

Path = tuple[str | int, ...]
"""Keys and indices from the top of a report."""


def look(tree: object, path: Path) -> object | None:
    """The value at a path, or ``None`` where a key is absent.

    >>> look({"wer_ci95": [0.05, 0.07]}, ("wer_ci95", 1))
    0.07
    >>> look({"wer_ci95": [0.05, 0.07]}, ("wer_ci95", 2)) is None
    True
    """
    for key in path:
        tree = _child(tree, key)
    return tree


def number(tree: object, path: Path) -> float | int | None:
    """The finite number at a path; ``None`` for everything else.

    >>> number({"wer": 0.5}, ("wer",)), number({"wer": float("nan")}, ("wer",)), number({"wer": True}, ("wer",))
    (0.5, None, None)
    """
    found = look(tree, path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return found if math.isfinite(found) else None
    except OverflowError:  # an integer beyond a float's range is no measurement
        return None


def text(tree: object, path: Path) -> str | None:
    """The string at a path; ``None`` for everything else."""
    found = look(tree, path)
    return found if isinstance(found, str) else None


def mapping(tree: object, path: Path) -> Mapping[str, object]:
    """The object at a path; an empty one for everything else."""
    found = look(tree, path)
    return cast(Mapping[str, object], found) if isinstance(found, Mapping) else {}


def sequence(tree: object, path: Path) -> Sequence[object]:
    """The list at a path; an empty one for everything else."""
    found = look(tree, path)
    return cast(Sequence[object], found) if isinstance(found, list) else ()


def dotted(path: Path) -> str:
    """A path as the page writes it.

    >>> dotted(("dense", "latencies", 0, "median_s"))
    'dense.latencies.0.median_s'
    """
    return ".".join(str(key) for key in path)


def _child(tree: object, key: str | int) -> object | None:
    if isinstance(key, str):
        return cast(Mapping[str, object], tree).get(key) if isinstance(tree, Mapping) else None
    items = cast(Sequence[object], tree) if isinstance(tree, list) else ()
    return items[key] if key < len(items) else None
