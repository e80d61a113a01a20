"""Kernels that profit from zeros."""

from secateur.runtime.accelerate import accelerate
from secateur.runtime.linear import Shared, SparseLinear, SparsePointwise
from secateur.runtime.product import Product, multipliable, product

__all__ = ["Product", "Shared", "SparseLinear", "SparsePointwise", "accelerate", "multipliable", "product"]
