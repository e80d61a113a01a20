"""Tables in Markdown."""

import re
from collections.abc import Sequence

_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; what would end a cell or open a tag is written so that it does not.

    >>> print(table(["a", "b"], [["1|2", "<x>"]]))
    | a | b |
    |---|---|
    | 1\\|2 | \\<x> |
    """
    lines = [list(map(plain, cells)) for cells in (head, *rows)]
    told = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([told[0], f"|{'---|' * len(head)}", *told[1:]])


def plain(text: str) -> str:
    """Return a text in one line that Markdown shows as it is, as far as a table or a list is concerned."""
    line = " ".join(text.splitlines()).replace("\\", "\\\\").replace("|", "\\|")
    return _TAG.sub(r"\\<", line)
