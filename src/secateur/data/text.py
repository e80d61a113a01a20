"""Plain text for language models: one sentence per line, gzipped or not."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

from secateur.errors import DataError

MAX_LINE_BYTES = 1 << 16
"""A longer line is no sentence but a file without line breaks."""

MAX_BYTES = 1 << 32
"""More text than is read here: the bound keeps a gzip bomb from filling memory."""


def read_lines(path: Path | str) -> list[str]:
    """Read the lines of a text file that are not blank, their white space normalized; ``.gz`` is unpacked.

    Raises:
        DataError: The file is missing, empty, not UTF-8, not gzip where its name says so, or has no line breaks.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"text `{path}` must be a file, but there is none; check the path")
    lines = [" ".join(line.split()) for line in _decoded(path)]
    found = [line for line in lines if line]
    if not found:
        raise DataError(f"text `{path}` must hold at least one line with words, but is empty")
    return found


def _decoded(path: Path) -> Iterator[str]:
    for number, raw in enumerate(_raw(path), start=1):
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"text `{path}` must be UTF-8, but line {number} is not ({error.reason} at byte {error.start}); "
                f"convert it, for instance with `iconv -t utf-8`"
            ) from None


def _raw(path: Path) -> Iterator[bytes]:
    total = 0
    try:
        with _opened(path) as stream:
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                total += len(raw)
                if len(raw) > MAX_LINE_BYTES:
                    raise DataError(
                        f"text `{path}` must have one sentence per line, but a line is longer than {MAX_LINE_BYTES} "
                        f"bytes; break it into sentences"
                    )
                if total > MAX_BYTES:
                    raise DataError(f"text `{path}` must be smaller than {MAX_BYTES} bytes unpacked; split it")
                yield raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"text `{path}` must be gzip, as its name says, but is not whole ({error})") from None


def _opened(path: Path) -> BufferedIOBase:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
