import runpy
import sys

import pytest


def test_python_m_secateur_is_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["secateur", "ls", "schedule"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("secateur", run_name="__main__")
    assert caught.value.code in (0, None)
    assert capsys.readouterr().out.startswith("schedule\n")


def test_importing_it_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("secateur.__main__", run_name="imported")
    assert capsys.readouterr().out == ""
