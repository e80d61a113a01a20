"""N-grams in the ARPA format, read by the KenLM that comes with flashlight-text.

Source: Heafield 2011, "KenLM: faster and smaller language model queries".
"""

import gzip
import math
import os
import re
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np

from secateur.decoding.flashlight import part
from secateur.decoding.kneser_ney import BEGIN, END, ORDER, UNKNOWN, write_arpa
from secateur.decoding.scored import Scored
from secateur.errors import DataError

PURPOSE = "n-grams are read"
dictionary: Any = part("dictionary", purpose=PURPOSE)
kenlm: Any = part("decoder.kenlm", purpose=PURPOSE)

MAX_LINE_BYTES = 1 << 16
"""A longer line holds no n-gram."""

MAX_HEADER_LINES = 1_000
"""Comments before the first section, at most."""

SHORTEST_LINE = 5
"""Bytes of the shortest n-gram: a digit, a tab, a letter, a tab or blank, a line break."""

MOST_DENSE = 1_032
"""How many bytes one of gzip can stand for."""

COUNT = re.compile(r"ngram\s+\d+\s*=\s*(\d{1,18})")

STANDARD_ERROR = 2
"""Its file descriptor: KenLM writes its progress there, whatever Python's own is."""


@final
class Ngram:
    """An n-gram: a `Scorer`."""

    def __init__(self, path: Path) -> None:
        """Read a file in the ARPA format, gzipped or not.

        Raises:
            DataError: It is missing or no such file.
        """
        words = read_words(path)
        self.vocabulary = frozenset(words) - {BEGIN, END, UNKNOWN}
        self._words: Any = dictionary.Dictionary()
        for word in (UNKNOWN, *sorted(self.vocabulary)):
            self._words.add_entry(word)
        self._words.set_default_index(0)
        try:
            with _silence():
                self._model: Any = kenlm.KenLM(str(path), self._words)
        except RuntimeError as error:
            raise _wrong(path, f"KenLM says: {_last_line(error)}") from None

    def __call__(self, texts: Sequence[str]) -> Scored:
        """Score texts, words as they are; those that the n-gram has not seen count as one unknown word."""
        begun, ended, counts = zip(*map(self._score, texts), strict=True) if texts else ((), (), ())
        return Scored(np.array(begun, dtype=float), np.array(ended, dtype=float), np.array(counts, dtype=np.int64))

    def _score(self, text: str) -> tuple[float, float, int]:
        state, total, words = self._model.start(False), 0.0, text.split()
        for word in words:
            state, decimal = self._model.score(state, self._words.get_index(word))
            total += decimal
        end = self._model.finish(state)[1]
        return math.log(10) * total, math.log(10) * (total + end), len(words)


def estimate(sentences: Iterable[str], *, order: int = ORDER) -> Ngram:
    """Estimate an n-gram from text; `secateur.decoding.kneser_ney.write_arpa` keeps it as a file.

    Raises:
        RequestError, DataError: As there.
    """
    with TemporaryDirectory(prefix="secateur-ngram-") as folder:
        path = Path(folder, "estimated.arpa")
        write_arpa(path, sentences, order=order)
        return Ngram(path)


def read_words(path: Path) -> list[str]:
    """Return the words of an n-gram's file, and make sure that it can hold what it says it does.

    KenLM asks for memory by the counts in the header before it reads on.

    Raises:
        DataError: The file is missing, or does not begin as the ARPA format does.
    """
    if not path.is_file():
        raise DataError(f"n-gram `{path}` must be a file, but there is none; check the path")
    packed = path.suffix == ".gz"
    room = path.stat().st_size * (MOST_DENSE if packed else 1) / SHORTEST_LINE
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as stream:
            lines = _lines(stream, path)
            counts = _counts(lines, path)
            if sum(counts) > room:
                raise _wrong(path, f"it announces {sum(counts)} n-grams, more than fit into its bytes")
            return [_word(line, path) for line, _ in zip(_section(lines), range(counts[0]), strict=False)]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _wrong(path, f"it is not whole ({error})") from None


def _lines(stream: BufferedIOBase, path: Path) -> Iterator[str]:
    for raw in iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b""):
        if len(raw) > MAX_LINE_BYTES:
            raise _wrong(path, f"a line is longer than {MAX_LINE_BYTES} bytes")
        try:
            yield raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise _wrong(path, "it is not UTF-8") from None


def _counts(lines: Iterator[str], path: Path) -> list[int]:
    """Read as far as the unigrams."""
    counts: list[int] = []
    for line, _ in zip(lines, range(MAX_HEADER_LINES), strict=False):
        found = COUNT.fullmatch(line)
        if found:
            counts.append(int(found[1]))
        if line == "\\1-grams:" and counts:
            return counts
    raise _wrong(path, "it has no `\\data\\` with counts and no `\\1-grams:` behind it")


def _section(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("\\"):
            return
        if line:
            yield line


def _word(line: str, path: Path) -> str:
    fields = line.split()
    if len(fields) not in (2, 3):
        raise _wrong(path, f"{line[:40]!r} is no logarithm, word and back-off")
    return fields[1]


def _wrong(path: Path, why: str) -> DataError:
    return DataError(
        f"n-gram `{path}` must be in the ARPA format, but {why}; write it again with the tool that made it"
    )


def _last_line(error: RuntimeError) -> str:
    return (str(error).strip().splitlines() or ["nothing"])[-1].rstrip(".")


@contextmanager
def _silence() -> Generator[None, None, None]:
    """Let nothing reach standard error in here, from compiled code either."""
    kept = os.dup(STANDARD_ERROR)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), STANDARD_ERROR)
        yield
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)
