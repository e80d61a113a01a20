"""Files that are there whole or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Give a file beside `path` to write, which takes its place at the end; of what fails nothing is left.

    A reader sees the old file or the new one, also where several processes write it. Its folder is made where there is
    none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write text in UTF-8, all of it or nothing."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
