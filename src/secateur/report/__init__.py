"""The page a person looks at, and the same table for the terminal."""

from secateur.report.load import Run, load
from secateur.report.page import compose, render
from secateur.report.table import Row, rows
from secateur.report.terminal import table
from secateur.report.verdict import Verdict, target, verdict

__all__ = ["Row", "Run", "Verdict", "compose", "load", "render", "rows", "table", "target", "verdict"]
