"""Manifests: one JSON object per line, as NeMo and lhotse write them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from secateur.errors import DataError

MAX_LINE_BYTES = 1 << 20
"""A longer line is no utterance: the bound keeps a wrong file from filling memory."""

MAX_SECONDS = 1_000_000
"""A longer recording is a slip: eleven days, or milliseconds where seconds are meant."""

HALF = re.compile("[\ud800-\udfff]")
"""Half of a character of two in UTF-16."""


@final
@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One line of a manifest, its path resolved."""

    audio: Path
    text: str
    duration: float
    """Seconds of speech, counted from `offset`."""

    offset: float = 0.0
    """Where in the file the utterance begins, in seconds."""

    whole_file: bool = True
    """Whether the manifest gave no offset, so that the utterance is the file."""

    key: str = ""
    """What reports call it: the manifest's ``id``, else its audio path as written."""


def read(path: Path | str) -> list[Utterance]:
    """Read a manifest.

    Each line has ``audio_filepath`` (relative to the manifest), ``text`` and ``duration`` in seconds; ``offset`` and
    ``id`` may be there, other keys are ignored.

    Raises:
        DataError: The file is missing, empty, or a line is not such an object; the message names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"manifest `{path}` must be a file of JSON lines, but there is none; check the path")
    utterances = [_utterance(record, path, line) for line, record in _records(path)]
    if not utterances:
        raise DataError(f"manifest `{path}` must hold at least one utterance, but is empty")
    return utterances


def read_all(paths: tuple[str, ...]) -> list[Utterance]:
    """Read several manifests one after the other."""
    return [utterance for path in paths for utterance in read(path)]


def is_text(value: str) -> bool:
    r"""Whether a string can be written: JSON may name half of a pair of UTF-16.

    >>> is_text("caf\u00e9"), is_text("caf\ud800")
    (True, False)
    """
    return HALF.search(value) is None


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as lines:
        for number, raw in enumerate(iter(lambda: lines.readline(MAX_LINE_BYTES + 1), b""), start=1):
            where = f"line {number} of manifest `{path}`"
            if len(raw) > MAX_LINE_BYTES:
                raise DataError(f"{where} must be shorter than {MAX_LINE_BYTES} bytes; is this a manifest?")
            if not raw.strip():
                continue
            try:
                record = json.loads(raw)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where} must be a JSON object, but is not JSON ({error})") from None
            if not isinstance(record, dict):
                raise DataError(f"{where} must be a JSON object, but is {type(record).__name__}")
            yield number, record


def _utterance(record: dict[str, Any], manifest: Path, line: int) -> Utterance:
    def get(key: str, kind: type, default: object = None) -> Any:
        value = record.get(key, default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = value if abs(value) > MAX_SECONDS else float(value)
        if not isinstance(value, kind):
            arrived = json.dumps(value)[:80] if key in record else "absent"
            kinds = f"a number up to {MAX_SECONDS}" if kind is float else "a string"
            raise DataError(f"`{key}` in line {line} of manifest `{manifest}` must be {kinds}, but is {arrived}")
        return value

    name, text = get("audio_filepath", str), get("text", str)
    if not is_text(text):
        raise DataError(
            f"`text` in line {line} of manifest `{manifest}` must be text, but has half a character; mend it"
        )
    duration, offset = get("duration", float), get("offset", float, 0.0)
    if not 0 < duration <= MAX_SECONDS or not 0 <= offset <= MAX_SECONDS:
        raise DataError(
            f"`duration` in line {line} of manifest `{manifest}` must be positive seconds (and `offset` not negative), "
            f"but they are {duration} and {offset}"
        )
    return Utterance(
        audio=manifest.parent / name,
        text=text,
        duration=duration,
        offset=offset,
        whole_file="offset" not in record,
        key=str(record.get("id", name)),
    )
