"""How many tokens go through a kernel together."""

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def group_size(left: Any) -> Any:
    """Return how many tokens are taken together next, of so many that are left; the last group may not be full."""
    if left > 8:
        return 16
    if left > 4:
        return 8
    return 4 if left > 1 else 1


@njit(cache=True, nogil=True)
def padded(tokens: Any) -> Any:
    """Return how many tokens fill all groups.

    >>> [padded(tokens) for tokens in (1, 2, 5, 9, 17, 250)]
    [1, 4, 8, 16, 17, 256]
    """
    done = 0
    while done < tokens:
        done += group_size(tokens - done)
    return done
