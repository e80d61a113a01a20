"""Masks to physically smaller modules: the only place that changes shapes."""

from secateur.surgery.branch import RemovedBranch
from secateur.surgery.low_rank import merge, ranks, split, split_empty, whole
from secateur.surgery.shrink import shrink

__all__ = ["RemovedBranch", "merge", "ranks", "shrink", "split", "split_empty", "whole"]
