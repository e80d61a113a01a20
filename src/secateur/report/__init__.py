"""The page a person looks at, and the same table for the terminal."""

from secateur.report.page import render
from secateur.report.sweep import render_sweep, sweep_table
from secateur.report.terminal import overview, table

__all__ = ["overview", "render", "render_sweep", "sweep_table", "table"]
