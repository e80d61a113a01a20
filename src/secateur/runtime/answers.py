"""How long kernels took on this machine, kept on disk so that each is measured once."""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

from secateur.data import cache_folder
from secateur.runtime.compiled import sources
from secateur.runtime.cpu import processor
from secateur.runtime.vectors import LEVEL
from secateur.whole_file import write_whole

TWENTIETHS: Final = 20
"""What shares are rounded to: layers of nearly as many zeros share an answer."""


class Question(NamedTuple):
    """What an answer hangs on, besides the machine."""

    kernel: str
    rows: int
    columns: int
    skipped: float
    """The share of the weight that the kernel leaves out."""

    tokens: int

    def __str__(self) -> str:
        """Name the question.

        >>> str(Question("mask int8", 1024, 4096, 0.79, 1))
        'mask int8, 1024 x 4096, 80 % skipped, 1 tokens'
        """
        share = round(TWENTIETHS * self.skipped) * 100 // TWENTIETHS
        return f"{self.kernel}, {self.rows} x {self.columns}, {share} % skipped, {self.tokens} tokens"


def machine(threads: int) -> str:
    """Name what answers hold for: this processor at this level, with so many threads."""
    return f"{processor()}, {LEVEL}, {threads} threads"


def answers(threads: int) -> dict[str, float]:
    """Read the seconds that questions took; what is damaged was never measured."""
    return dict(_read().get(machine(threads), {}))


def remember(found: Mapping[str, float], threads: int) -> None:
    """Add answers to the file; a reader sees the old one or the new one, whole."""
    everything = _read()
    here = machine(threads)
    everything[here] = {**everything.get(here, {}), **found}
    write_whole(file(), json.dumps(everything, indent=2, sort_keys=True) + "\n")


def file() -> Path:
    """Return where answers lie: beside the kernels that they were measured of, by the name of their sources."""
    return cache_folder() / "kernels" / sources() / "measured.json"


def _read() -> dict[str, dict[str, float]]:
    try:
        found: Any = json.loads(file().read_text())
    except (OSError, ValueError):
        return {}
    return found if _sound(found) else {}


def _sound(found: Any) -> bool:
    """Whether a file holds seconds, by question, by machine."""
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        return False
    seconds = [value for one in found.values() for value in one.values()]
    return all(isinstance(value, float) and isfinite(value) and value > 0 for value in seconds)
