"""What a dense model was judged by, kept for the next prune of it: a sweep prunes the same one again and again."""

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any

from secateur.tasks import Judged
from secateur.tasks.task import Sets

_last: dict[Hashable, Judged] = {}
"""One entry at most: the files that were looked at, as they were then -> the judgement."""


def judge_once(folder: Path, sets: Sets, judge: Callable[[], Any]) -> Any:
    """Return what `judge` says of the model in `folder`, or said last if no file of it or of `sets` has changed since.

    A manifest stands for its recordings: whoever changes those in place starts a new process.
    """
    named = tuple((name, _stamps(map(Path, paths))) for name, paths in sets.items())
    key = _stamps(sorted(path for path in folder.iterdir() if path.is_file())), named
    if key not in _last:
        _last.clear()
        _last[key] = judge()
    return _last[key]


def _stamps(paths: Iterable[Path]) -> tuple[Hashable, ...]:
    return tuple((str(path.absolute()), (found := path.stat()).st_mtime_ns, found.st_size) for path in paths)
