"""A bar on standard error over what takes long, where that is a terminal."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def counted(items: Iterable[T], what: str, *, total: int) -> Iterator[T]:
    """Give `items` one by one, of `total`; the bar says `what` is done with them, and goes when they are through.

    >>> list(counted([1, 2], "adding", total=2))
    [1, 2]
    """
    from rich.console import Console  # not before there is something to count
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, what, total=total, console=console, disable=not console.is_terminal, transient=True)
