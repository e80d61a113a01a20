"""The bytes of a safetensors file's tensors, mapped into memory at once: a tensor each by the library takes longer."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from secateur.checkpoint.packed.layout import damaged
from secateur.checkpoint.packed.tiles import Array
from secateur.checkpoint.size import LENGTH_FIELD

UNSIGNED: Final[Mapping[str, type[np.generic]]] = {
    **dict.fromkeys(("F64", "I64", "U64"), np.uint64),
    **dict.fromkeys(("F32", "I32", "U32"), np.uint32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), np.uint16),
}
"""safetensors' name of a type -> what its bits are moved about as; all others as bytes."""


def mapped(path: Path, names: Iterable[str]) -> dict[str, Array]:
    """Map tensors of a file that is known to be one of safetensors: flat, as bits.

    Nothing is read of them yet, and what is written to them does not reach the file.

    Raises:
        ModelError: One lies beyond the file: it was changed meanwhile.
        OSError: The file is not there any more.
    """
    data = np.asarray(np.memmap(path, np.uint8, mode="c"))
    start = LENGTH_FIELD + int.from_bytes(data[:LENGTH_FIELD].tobytes(), "little")
    header: dict[str, Any] = json.loads(data[LENGTH_FIELD:start].tobytes())
    return {name: _bits(name, data[start:], header[name]) for name in names}


def _bits(name: str, data: Array, entry: Mapping[str, Any]) -> Array:
    first, last = entry["data_offsets"]
    kind = UNSIGNED.get(entry["dtype"], np.uint8)
    size = np.dtype(kind).itemsize
    if not (0 <= first <= last <= len(data)) or (last - first) % size:
        raise damaged(name, "bytes that lie in the file", f"{first} to {last}")
    found = data[first:last]
    return (found if found.ctypes.data % size == 0 else found.copy()).view(kind)
