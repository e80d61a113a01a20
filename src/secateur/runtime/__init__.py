"""Kernels that profit from zeros."""

from secateur.runtime.accelerate import accelerate
from secateur.runtime.linear import Quantizer, SparseLinear

__all__ = ["Quantizer", "SparseLinear", "accelerate"]
