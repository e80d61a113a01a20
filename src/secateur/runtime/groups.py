"""How many tokens go through a kernel together."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from secateur.runtime.vectors import LEVEL

SIZES: Final = (16, 8, 4, 1) if LEVEL in ("vnni", "avx512") else (4, 1)
"""What is taken together. Sums of 16 tokens fill half of the registers of AVX-512; those of four, half of AVX2's."""


@cache
def groups(tokens: int) -> npt.NDArray[np.int64]:
    """Return the sizes of the groups that tokens are taken in; the last may not be full.

    >>> groups(1).tolist(), groups(8 * SIZES[0] + 1).tolist() == 8 * [SIZES[0]] + [1]
    ([1], True)
    """
    whole, rest = divmod(tokens, SIZES[0])
    last = [min(size for size in SIZES if size >= rest)] if rest else []
    found = np.array([SIZES[0]] * whole + last, np.int64)
    found.flags.writeable = False
    return found


@cache
def padded(tokens: int) -> int:
    """Return how many tokens fill all groups.

    >>> [padded(tokens) for tokens in (0, 1, 2, 4, 17)]
    [0, 1, 4, 4, 17]
    """
    return int(groups(tokens).sum())
