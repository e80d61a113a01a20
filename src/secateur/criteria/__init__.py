"""How important: weights, and what batches say of them, to scores."""

from secateur.criteria.criterion import Criterion, reads_batches, reads_inputs
from secateur.criteria.fisher import Fisher
from secateur.criteria.magnitude import Magnitude
from secateur.criteria.movement import Movement
from secateur.criteria.random import Random
from secateur.criteria.taylor import Taylor
from secateur.criteria.wanda import Wanda

CRITERIA = {
    "random": Random,
    "magnitude": Magnitude,
    "wanda": Wanda,
    "taylor": Taylor,
    "fisher": Fisher,
    "movement": Movement,
}

__all__ = [
    "CRITERIA",
    "Criterion",
    "Fisher",
    "Magnitude",
    "Movement",
    "Random",
    "Taylor",
    "Wanda",
    "reads_batches",
    "reads_inputs",
]
