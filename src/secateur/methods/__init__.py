"""The only place where criterion, granularity, allocation and schedule meet."""

from secateur.methods.l0 import L0
from secateur.methods.limits import Limits
from secateur.methods.method import Method
from secateur.methods.scheduled import Scheduled

METHODS = {"scheduled": Scheduled, "l0": L0}

__all__ = ["L0", "METHODS", "Limits", "Method", "Scheduled"]
