"""Functions that numba compiles, kept on disk."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from secateur.data import cache_folder
from secateur.runtime.cpu import require_numba

require_numba()

import numba  # noqa: E402
from numba.core import config  # noqa: E402

settings: Any = config


def shared(function: Callable[..., Any]) -> Any:
    """Compile a function as `compiled` does, one whose loops over `prange` are shared among threads."""
    return compiled(function, parallel=True)


def compiled(function: Callable[..., Any], *, parallel: bool = False) -> Any:
    """Compile a function when it is first called, and keep it in the cache folder, under a name of these very sources.

    By itself numba takes up what it compiled before as long as the file of the function is the same, though what it is
    put together from lies in other files: after an upgrade, kernels would read memory in yesterday's layout.
    """
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder() / "kernels" / sources())
    try:
        return numba.njit(cache=True, nogil=True, parallel=parallel)(function)
    finally:
        settings.CACHE_DIR = before


@cache
def sources() -> str:
    """Name the sources of the kernels by a hash of all of them."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
