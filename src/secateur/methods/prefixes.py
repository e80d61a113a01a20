"""Tensors of several kinds in one flat dictionary, as a checkpoint holds them."""

from collections.abc import Mapping

from torch import Tensor


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put a prefix in front of every name."""
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def inside(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what lies under a prefix, without it: the inverse of `under`."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
