"""Reading files of a run folder that somebody else may have written: never more than a bound, never a crash."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast, final

from secateur.errors import DataError

MAX_OBJECT_BYTES = 16 * 1024**2
"""A report or a plan of the largest public recognizer stays under one MiB."""

MAX_LINES = 200_000
"""Lines read of one file; LibriSpeech's whole training set has 281 thousand utterances, its test sets 5.6 thousand."""

MAX_LINE_BYTES = 1024**2
"""An hour of speech is about 60 kB of text."""


@final
@dataclass(frozen=True, kw_only=True)
class Lines:
    """The objects of a JSON-lines file, and what of it could not be read."""

    records: tuple[Mapping[str, object], ...] = ()
    unreadable: int = 0
    """Lines that hold no JSON object: a killed run leaves half of its last one."""

    cut: bool = False
    """Whether the file has more lines than `MAX_LINES`."""


NO_LINES = Lines()
"""A file that is not there."""


def present(path: Path) -> bool:
    """Whether a regular file lies there: a pipe would be waited on for ever."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_object(path: Path) -> Mapping[str, object]:
    """The JSON object in a file.

    Raises:
        DataError: It is no file, too large, or holds no JSON object.
    """
    try:
        found = cast(object, json.loads(_read(path)))
    except ValueError as error:  # also text that is not UTF-8
        raise DataError(f"`{path}` must be JSON, but is not: {error}; write it again with `secateur prune`") from error
    except RecursionError as error:
        raise DataError(f"`{path}` must be JSON, but is nested too deeply to read") from error
    if not isinstance(found, dict):
        raise DataError(f"`{path}` must hold a JSON object, but holds a {type(found).__name__}")
    return cast(Mapping[str, object], found)


def read_lines(path: Path) -> Lines:
    """The JSON objects of a file, one per line; none where there is no file."""
    if not present(path):
        return NO_LINES
    records: list[Mapping[str, object]] = []
    unreadable = 0
    for index, line in enumerate(_lines(path)):
        if index == MAX_LINES:
            return Lines(records=tuple(records), unreadable=unreadable, cut=True)
        record = _record(line)
        if record is not None:
            records.append(record)
        elif line.strip():
            unreadable += 1
    return Lines(records=tuple(records), unreadable=unreadable)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_OBJECT_BYTES + 1)
    except OSError as error:
        raise DataError(f"`{path}` cannot be read: {error.strerror}") from error
    if len(data) > MAX_OBJECT_BYTES:
        raise DataError(f"`{path}` must be at most {MAX_OBJECT_BYTES // 1024**2} MiB, but is larger")
    return data


def _lines(path: Path) -> Iterator[bytes]:
    """Lines of at most `MAX_LINE_BYTES`; a longer one is cut there, so that it is unreadable."""
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES):
                yield line
                _skip_rest(file, line)
    except OSError as error:
        raise DataError(f"`{path}` cannot be read: {error.strerror}") from error


def _skip_rest(file: BinaryIO, line: bytes) -> None:
    while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE_BYTES)


def _record(line: bytes) -> Mapping[str, object] | None:
    try:
        found = cast(object, json.loads(line))
    except (ValueError, RecursionError):
        return None
    return cast(Mapping[str, object], found) if isinstance(found, dict) else None
