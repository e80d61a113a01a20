"""Which instructions kernels may use."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final, Literal

from secateur.errors import MissingExtraError, RequestError

Level = Literal["vnni", "avx512", "avx2", "portable"]

NEEDED: Final[Mapping[Level, frozenset[str]]] = {
    "vnni": frozenset({"avx512f", "avx512bw", "avx512vl", "avx512vbmi2", "avx512vnni"}),
    "avx512": frozenset({"avx512f", "avx512bw", "avx512vl"}),
    "avx2": frozenset({"avx2", "fma"}),
    "portable": frozenset(),
}
"""Level -> the features of a processor that it takes, the fastest level first."""

NAMES: Final[Mapping[Level, str]] = {"avx512": "x86-64-v4", "avx2": "x86-64-v3", "portable": "x86-64-v2"}
"""Level -> the processor that numba is told to compile for, where the real one can do more."""

CHOICE: Final = "SECATEUR_CPU"
"""Environment variable that names a lower level, to compare them."""


def require_numba() -> None:
    """Make sure that kernels can be compiled.

    Raises:
        MissingExtraError: The library is missing.
    """
    if find_spec("numba") is None:
        raise MissingExtraError("numba", extra="runtime", purpose="sparse kernels are compiled")


def host_features() -> frozenset[str]:
    """Return what this processor can do, as LLVM calls it."""
    import llvmlite.binding as llvm  # needs an extra

    found = llvm.get_host_cpu_features()
    return frozenset(name for name in found if found[name])


def level() -> Level:
    """Return the level that kernels are compiled for in this process: the best there is, or the one asked for.

    Raises:
        RequestError: There is no such level, or this processor lacks it.
    """
    features = host_features()
    have: dict[str, Level] = {name: name for name, needed in NEEDED.items() if needed <= features}
    wanted = os.environ.get(CHOICE, next(iter(have)))
    if wanted not in have:
        raise RequestError(f"`{CHOICE}` must be one of {', '.join(have)} on this processor, but is {wanted!r:.40}")
    return have[wanted]


def processor() -> str:
    """Name this processor, as LLVM calls its kind."""
    import llvmlite.binding as llvm  # needs an extra

    return str(llvm.get_host_cpu_name())
