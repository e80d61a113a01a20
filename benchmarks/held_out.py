"""Speakers of a manifest kept for validation, where a data set has none for it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from secateur.whole_file import whole_file


def hold_out(manifest: Path, every: int, folder: Path) -> None:
    """Write `folder`/train.jsonl and `folder`/valid.jsonl: each `every`-th speaker is for the latter.

    Paths of the audio become absolute, the rest of a line stays.
    """
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    for line in lines:
        line["audio_filepath"] = str((manifest.parent / line["audio_filepath"]).resolve())
    held = set(sorted({line["speaker"] for line in lines})[::every])
    _write(folder / "train.jsonl", (line for line in lines if line["speaker"] not in held))
    _write(folder / "valid.jsonl", (line for line in lines if line["speaker"] in held))


def _write(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with whole_file(path) as part:
        part.write_text("".join(json.dumps(line) + "\n" for line in lines))
