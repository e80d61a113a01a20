"""What stands in one cell: pieces of text, and beside each number the key it has in `report.json`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from secateur.report.formats import GAP
from secateur.report.values import Path, dotted, number

Show = Callable[[float], str]
"""Number -> the text people read."""


@final
@dataclass(frozen=True, kw_only=True)
class Piece:
    """Text, with the number behind it where there is one."""

    text: str
    key: str = ""
    """Dotted path of the number in `report.json`; empty for words and for what the page works out itself."""

    value: float | int | None = None
    """The number exactly as `report.json` has it, whatever the text makes of it."""


Cell = tuple[Piece, ...]


def words(text: str) -> Cell:
    """A cell of plain text."""
    return (Piece(text=text),)


def quote(report: Mapping[str, object], path: Path, *, show: Show) -> Cell:
    """One number of the report; an empty cell where it is absent.

    >>> quote({"dense": {"wer": 0.0613}}, ("dense", "wer"), show="{:.1%}".format)
    (Piece(text='6.1%', key='dense.wer', value=0.0613),)
    >>> quote({}, ("dense", "wer"), show="{:.1%}".format)
    ()
    """
    value = number(report, path)
    return () if value is None else (Piece(text=show(value), key=dotted(path), value=value),)


def interval(report: Mapping[str, object], path: Path, *, show: Show) -> Cell:
    """Both ends of an interval, or an empty cell.

    >>> plain(interval({"ci95": [1.5, 2]}, ("ci95",), show=str))
    '[1.5,\\xa02]'
    """
    low, high = (quote(report, (*path, index), show=show) for index in (0, 1))
    return (*words("["), *low, *words(f",{GAP}"), *high, *words("]")) if low and high else ()


def join(cells: Sequence[Cell], *, between: str = " ") -> Cell:
    """The cells that are not empty, with a text between them.

    >>> plain(join([words("a"), (), words("b")], between=", "))
    'a, b'
    """
    joined: Cell = ()
    for cell in filter(None, cells):
        joined = (*joined, *words(between), *cell) if joined else cell
    return joined


def plain(cell: Cell) -> str:
    """A cell's text, for a terminal."""
    return "".join(piece.text for piece in cell)
