"""How important: weights (and gradients) to scores."""

from secateur.criteria.criterion import Criterion
from secateur.criteria.magnitude import Magnitude
from secateur.criteria.random import Random
from secateur.criteria.taylor import Taylor

CRITERIA = {"random": Random, "magnitude": Magnitude, "taylor": Taylor}

__all__ = ["CRITERIA", "Criterion", "Magnitude", "Random", "Taylor"]
