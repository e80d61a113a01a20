"""Which units stay: exact selection, and what masks do to a model."""

from secateur.masks.apply import broadcast, multipliers, multiply
from secateur.masks.behind import Behind
from secateur.masks.gates import Gates
from secateur.masks.select import select
from secateur.masks.state import MaskState, not_empty

__all__ = ["Behind", "Gates", "MaskState", "broadcast", "multipliers", "multiply", "not_empty", "select"]
