import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from speech import alone, fields, no_process_for_memory

__all__ = ["alone", "no_process_for_memory"]


class Said(NamedTuple):
    """What a command left: its exit code and both outputs."""

    code: int
    out: str
    err: str


BARS = re.compile(r"\r?(Loading weights|Writing model shards):[^\r\n]*[\r\n]*")
"""Bars of `transformers`, which a process of our own switches off before it imports it: too late here."""

Secateur = Callable[..., Said]


@pytest.fixture
def secateur(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Secateur:
    """The command line, entered where the shell enters it, without the seconds of a new process."""
    from secateur.cli import main

    def run(*arguments: Any) -> Said:
        monkeypatch.setattr(sys, "argv", ["secateur", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as left:
            code = left.code or 0
        captured = capsys.readouterr()
        return Said(code, captured.out, re.sub(BARS, "", captured.err))

    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., str]:
    """A recipe file that prunes a tiny recognizer on tiny speech; fields may be overridden."""

    def write(**changed: Any) -> str:
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in fields(tmp_path, **changed).items() if v is not None}))
        return str(path)

    return write
