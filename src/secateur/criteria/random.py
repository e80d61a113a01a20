"""Importance at random: what every other criterion must beat."""

import hashlib
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor


@final
@dataclass(frozen=True)
class Random:
    """Score units uniformly in [0, 1), whatever their size.

    Elements are uniform in [0, 1), and a unit's score is the fractional part of their sum: the sum of independent
    uniform numbers modulo 1 is again uniform, so large and small units are equally likely to go.

    >>> scores = Random(seed=1).elements(torch.zeros(2, 3), None, name="a.weight")
    >>> scores.shape, bool(torch.equal(scores, Random(seed=1).elements(torch.ones(2, 3), None, name="a.weight")))
    (torch.Size([2, 3]), True)
    """

    seed: int = 0

    needs_gradient = False
    gate_only = True

    def elements(self, weight: Tensor, seen: Tensor | None, /, *, name: str) -> Tensor:
        """Draw from a generator seeded by (seed, name), so each tensor has its own numbers, the same every time."""
        digest = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
        return torch.rand(weight.shape, generator=generator, dtype=torch.float64).to(weight.device)

    def units(self, total: Tensor) -> Tensor:
        """Return the fractional part."""
        return total.frac()
