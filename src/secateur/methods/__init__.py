"""The only place where criterion, granularity, allocation and schedule meet."""

from secateur.methods.l0 import L0
from secateur.methods.limits import Limits
from secateur.methods.low_rank import FACTORS, by_information, by_moments, factors
from secateur.methods.method import Method
from secateur.methods.scheduled import Scheduled

METHODS = {"scheduled": Scheduled, "l0": L0, "low_rank": Scheduled}
"""`low_rank` is `scheduled` on components, after every layer has become two (`secateur.methods.low_rank`)."""

__all__ = [
    "FACTORS",
    "L0",
    "METHODS",
    "Limits",
    "Method",
    "Scheduled",
    "by_information",
    "by_moments",
    "factors",
]
