import shlex
import sys

import pytest

from secateur.cli.command_line import command_line


@pytest.mark.parametrize("arguments", [["prune", "half", "--out", "a b"], ["plan", "include=['*conv*']"], []])
def test_the_command_can_be_typed_again(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/secateur", *arguments])
    assert shlex.split(command_line()) == ["secateur", *arguments]
