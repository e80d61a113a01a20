"""How many threads share a product: as many as PyTorch takes, through numba's pool."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Final

import numba
import torch
from numba.core import config

from secateur.runtime.compiled import compiled

POOLS: Final = {"omp": "numba.np.ufunc.omppool", "tbb": "numba.np.ufunc.tbbpool"}
"""Numba's pools that several threads of a program may ask at once, and the modules that bring them: a call of its own
third one, `workqueue`, within or beside another ends the process."""

SHARED: Final = 5_000_000
"""Bytes of weights times tokens from which on sharing pays: some 25 us of work (a call to the pool costs 1 to 20)."""

FIXED: Final = 3
"""Tokens that reading the weights takes as long as."""

settings: Any = config

pool: Any = numba


@compiled
def share(part: Any, parts: Any, count: Any) -> Any:
    """Return the first of so many that fall to a part, and the one behind its last."""
    return count * part // parts, count * (part + 1) // parts


def threads(nbytes: int, tokens: int) -> int:
    """Return how many threads share a product of weights of so many bytes with so many tokens."""
    if nbytes * (tokens + FIXED) < SHARED:
        return 1
    wanted = min(torch.get_num_threads(), int(settings.NUMBA_NUM_THREADS))
    return wanted if wanted > 1 and _has_pool() else 1


@cache
def _has_pool() -> bool:
    """Whether numba has such a pool; chosen is OpenMP's, unless the program or its user has chosen before."""
    try:
        return pool.threading_layer() in POOLS
    except ValueError:  # none has begun yet
        pass
    chosen = "omp" if settings.THREADING_LAYER == "default" else str(settings.THREADING_LAYER)
    if chosen not in POOLS:
        return False
    try:
        import_module(POOLS[chosen])
    except ImportError:
        return False
    settings.THREADING_LAYER = chosen
    return True


@contextmanager
def pool_of(count: int) -> Generator[None]:
    """Let functions shared among threads take so many in here."""
    before = pool.get_num_threads()
    pool.set_num_threads(count)
    try:
        yield
    finally:
        pool.set_num_threads(before)


def in_parts(count: int, part: Any, parts: Any, arguments: tuple[Any, ...]) -> None:
    """Call the only `part` (0, 1, *arguments) for one thread, for several `parts` (count, *arguments)."""
    if count == 1:
        part(0, 1, *arguments)
    else:
        with pool_of(count):
            parts(count, *arguments)
