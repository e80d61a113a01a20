"""The only place where criterion, granularity, allocation and schedule meet."""

from secateur.methods.method import Method
from secateur.methods.scheduled import Limits, Scheduled

METHODS = {"scheduled": Scheduled}

__all__ = ["METHODS", "Limits", "Method", "Scheduled"]
