"""How important: weights (and gradients) to scores."""

from secateur.criteria.criterion import Criterion
from secateur.criteria.fisher import Fisher
from secateur.criteria.magnitude import Magnitude
from secateur.criteria.random import Random
from secateur.criteria.taylor import Taylor

CRITERIA = {"random": Random, "magnitude": Magnitude, "taylor": Taylor, "fisher": Fisher}

__all__ = ["CRITERIA", "Criterion", "Fisher", "Magnitude", "Random", "Taylor"]
