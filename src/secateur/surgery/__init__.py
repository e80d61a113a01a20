"""Masks to physically smaller modules: the only place that changes shapes."""

from secateur.surgery.branch import RemovedBranch
from secateur.surgery.shrink import shrink

__all__ = ["RemovedBranch", "shrink"]
