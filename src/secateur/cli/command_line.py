"""The command as it was typed, for the report."""

import shlex
import sys


def command_line() -> str:
    """Return the command that runs this again."""
    return shlex.join(["secateur", *sys.argv[1:]])
