"""The only place where criterion, granularity, allocation and schedule meet."""

from secateur.methods.compressed_sensing import CompressedSensing
from secateur.methods.finite import finite_gradients
from secateur.methods.l0 import L0
from secateur.methods.limits import Limits
from secateur.methods.low_rank import FACTORS, by_information, by_moments, factors
from secateur.methods.method import Method
from secateur.methods.scheduled import Scheduled
from secateur.methods.sensing import SENSING, Sensing
from secateur.methods.straight_through import StraightThrough

METHODS = {"scheduled": Scheduled, "l0": L0, "low_rank": Scheduled, "compressed_sensing": CompressedSensing}
"""`low_rank` is `scheduled` on components, after every layer has become two (`secateur.methods.low_rank`); both are
`StraightThrough` with the criterion movement, whose units may come back."""

__all__ = [
    "FACTORS",
    "L0",
    "METHODS",
    "SENSING",
    "CompressedSensing",
    "Limits",
    "Method",
    "Scheduled",
    "Sensing",
    "StraightThrough",
    "by_information",
    "by_moments",
    "factors",
    "finite_gradients",
]
