"""Wording shared by all complaints about a recipe."""

import difflib
from collections.abc import Iterable, Sequence

MAX_SHOWN = 60
"""Characters of a wrong value that a message repeats."""

ALIKE = 0.6
"""How alike two words must be, in [0, 1], for one to be proposed for the other: difflib's own default."""


def shown(value: object) -> str:
    """Show what arrived, in one bounded line.

    >>> shown("a"), shown(None), shown(True), shown(50)
    ("'a'", 'null', 'true', '50')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def listed(words: Sequence[str]) -> str:
    """List alternatives.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b or c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def nearest(word: object, choices: Iterable[str]) -> str | None:
    """Return the one of `choices` that `word` was probably meant to be, if any.

    >>> nearest("shedule", ["schedule", "seed"]), nearest("x", ["schedule"])
    ('schedule', None)
    """
    found = difflib.get_close_matches(str(word), list(choices), n=1, cutoff=ALIKE)
    return found[0] if found else None
