"""How many tokens go through a kernel together."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

SIZES: Final = (16, 8, 4, 1)
"""What there are kernels for: with 16 tokens, sums fill half of the registers of AVX-512."""


@cache
def groups(tokens: int) -> npt.NDArray[np.int64]:
    """Return the sizes of the groups that tokens are taken in; the last may not be full.

    >>> [groups(tokens).tolist() for tokens in (1, 2, 9, 17, 22)]
    [[1], [4], [16], [16, 1], [16, 8]]
    """
    whole, rest = divmod(tokens, SIZES[0])
    last = [min(size for size in SIZES if size >= rest)] if rest else []
    found = np.array([SIZES[0]] * whole + last, np.int64)
    found.flags.writeable = False
    return found


@cache
def padded(tokens: int) -> int:
    """Return how many tokens fill all groups.

    >>> [padded(tokens) for tokens in (0, 1, 2, 5, 9, 17, 250)]
    [0, 1, 4, 8, 16, 17, 256]
    """
    return int(groups(tokens).sum())
