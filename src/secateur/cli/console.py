"""Standard output, for tables."""

import sys

from rich.console import Console

PIPED_WIDTH = 240
"""Columns where nobody looks: a table that is piped must not be cut at the 80 of a terminal that is not there."""


def console() -> Console:
    """Return a console on standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
