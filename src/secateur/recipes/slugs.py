"""What a value is called in the name of a folder."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

MAX_SLUG = 48
"""Characters of one value; a folder's name may have 255 bytes, and a cell's has some axes."""

_OTHERS = re.compile(r"[^A-Za-z0-9_.+-]+")


def slug(field: str, value: object) -> str:
    """Name a value of a dotted field so that a reader knows what it is, in letters that every file system has.

    Text stands for itself; numbers and switches do not, and follow the last word of their field.

    >>> slug("criterion", "taylor"), slug("target.params", 0.5), slug("train.bf16", True)
    ('taylor', 'params0.5', 'bf16-true')
    >>> slug("granularity", ["head", "ffn_unit"]), slug("schedule", {"name": "cubic", "end": 0.6})
    ('head+ffn_unit', 'cubic-end0.6')
    """
    return clean(_told(field.rpartition(".")[2], value))


def clean(text: str) -> str:
    """Replace what a folder's name should not have, and cut what is too long.

    >>> clean("runs/half model"), clean("../x"), clean("")
    ('runs_half_model', '_x', '_')
    """
    return _OTHERS.sub("_", text)[:MAX_SLUG].lstrip(".-") or "_"


def _told(word: str, value: object) -> str:
    if value is None or isinstance(value, bool):
        return f"{word}-{'null' if value is None else str(value).lower()}"
    if isinstance(value, Mapping):
        return "-".join(_told(str(key), inner) for key, inner in cast("Mapping[object, object]", value).items())
    if isinstance(value, list | tuple):
        return "+".join(_told(word, inner) for inner in cast("Sequence[object]", value))
    return value if isinstance(value, str) else f"{word}{value}"
