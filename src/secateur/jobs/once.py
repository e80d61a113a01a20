"""What was made of files, kept for whoever asks next: a sweep prunes the same model again and again."""

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Generic, TypeVar, final

from secateur.tasks.task import Sets

T = TypeVar("T")


@final
class Once(Generic[T]):
    """Remembers what was made last, and of which files, as they were then; as long as the process lasts."""

    def __init__(self, keep: int = 1) -> None:
        """`keep` is how many are remembered."""
        self._keep = keep
        self._last: dict[Hashable, T] = {}

    def __call__(self, folder: Path, sets: Sets, make: Callable[[], T], *beside: Hashable) -> T:
        """Return what `make` makes of the model in `folder`, or made last if no file of it or of `sets` has changed.

        `beside` is what else it depends on. A manifest stands for its recordings: whoever changes those in place starts
        a new process.
        """
        named = tuple((name, _stamps(map(Path, paths))) for name, paths in sets.items())
        key = _stamps(sorted(path for path in folder.iterdir() if path.is_file())), named, beside
        found = self._last.pop(key) if key in self._last else make()
        self._last[key] = found  # the latest lies last
        while len(self._last) > self._keep:
            self._last.pop(next(iter(self._last)))
        return found


def _stamps(paths: Iterable[Path]) -> tuple[Hashable, ...]:
    return tuple((str(path.absolute()), (found := path.stat()).st_mtime_ns, found.st_size) for path in paths)
