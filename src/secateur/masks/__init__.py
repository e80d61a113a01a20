"""Which units stay: exact selection, and what masks do to a model."""

from secateur.masks.apply import multipliers, multiply
from secateur.masks.select import select
from secateur.masks.state import MaskState

__all__ = ["MaskState", "multipliers", "multiply", "select"]
