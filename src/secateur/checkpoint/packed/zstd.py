"""Parts made smaller for transport, by zstd."""

from importlib.util import find_spec
from typing import Final

import numpy as np

from secateur.checkpoint.packed.layout import damaged
from secateur.checkpoint.packed.tiles import Array
from secateur.errors import MissingExtraError

LEVEL: Final = 19
"""The highest that needs no more memory to read than lower ones."""

WINDOW: Final = 1 << 27
"""Bytes that a reader may have to look back; zstd's own limit for what it reads unasked."""


def require_zstd() -> None:
    """Make sure that the library is there.

    Raises:
        MissingExtraError: It is not.
    """
    if find_spec("zstandard") is None:
        raise MissingExtraError("zstandard", extra="packed", purpose="parts of a packed file are compressed")


def deflate(part: Array) -> Array:
    """Compress a part to bytes."""
    import zstandard  # needs an extra

    return np.frombuffer(zstandard.ZstdCompressor(level=LEVEL).compress(part.tobytes()), np.uint8)


def inflate(name: str, part: Array, *, length: int, kind: type[np.generic]) -> Array:
    """Restore a part, whose length is known: no more than that is ever allocated.

    Raises:
        ModelError: It is no such part.
    """
    import zstandard  # needs an extra

    wanted = length * np.dtype(kind).itemsize
    data = part.tobytes()
    try:
        stated = zstandard.frame_content_size(data)
        if stated != wanted:
            raise damaged(name, f"{wanted} bytes", stated)
        found = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompress(data, max_output_size=wanted)
    except zstandard.ZstdError as error:
        raise damaged(name, "whole zstd frames", error) from None
    return np.frombuffer(found, kind)
