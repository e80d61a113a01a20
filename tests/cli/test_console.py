import sys

import pytest
from rich.table import Table

from secateur.cli.console import PIPED_WIDTH, console


def test_a_table_that_is_piped_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("a", "b")
    table.add_row("x" * 100, "y" * 100)
    console().print(table)
    out = capsys.readouterr().out
    assert "x" * 100 in out
    assert "y" * 100 in out
    assert console().width == PIPED_WIDTH


def test_on_a_terminal_it_is_as_wide_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "77")
    assert console().width == 77
