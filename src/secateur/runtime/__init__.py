"""Kernels that profit from zeros."""

from secateur.runtime.accelerate import accelerate, choices
from secateur.runtime.choice import Choice
from secateur.runtime.linear import Shared, SparseLinear, SparsePointwise
from secateur.runtime.product import Product, multipliable, product

__all__ = [
    "Choice",
    "Product",
    "Shared",
    "SparseLinear",
    "SparsePointwise",
    "accelerate",
    "choices",
    "multipliable",
    "product",
]
