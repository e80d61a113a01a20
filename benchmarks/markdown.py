"""Tables in Markdown."""

from collections.abc import Iterable


def table(columns: str, rows: Iterable[str]) -> str:
    """Write rows, cells apart by bars, below the names of their columns.

    >>> print(table("row | number", ["a | 1"]))
    | row | number |
    |---|---|
    | a | 1 |
    """
    rule = "|" + "---|" * len(columns.split(" | "))
    return "\n".join([f"| {columns} |", rule, *(f"| {row} |" for row in rows)])
