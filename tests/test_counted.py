import io
import sys
from collections.abc import Iterator

import pytest

from secateur.counted import counted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def endless() -> Iterator[int]:
    yield from iter(int, 1)


def test_a_terminal_shows_a_bar_while_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert list(counted("abc", "counting", total=3)) == ["a", "b", "c"]
    assert "counting" in shown.getvalue()


def test_elsewhere_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(counted("abc", "counting", total=3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_things_come_one_by_one_as_they_are_asked_for() -> None:
    found = counted(endless(), "counting", total=3)
    assert [next(found), next(found)] == [0, 0]
    found.close()


def test_bars_may_stand_within_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    pairs = [(one, other) for one in counted("ab", "outer", total=2) for other in counted("cd", "inner", total=2)]
    assert len(pairs) == 4
