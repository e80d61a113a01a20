"""The packed file: safetensors whose weights lie in parts, each at a multiple of 64 bytes."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from secateur.checkpoint.packed import zstd
from secateur.checkpoint.packed.check import check, check_starts
from secateur.checkpoint.packed.encode import PackedWeight, Parts
from secateur.checkpoint.packed.layout import ALIGNMENT, Layout, layout_from
from secateur.checkpoint.packed.mapped import mapped
from secateur.checkpoint.packed.tiles import Array
from secateur.checkpoint.size import DTYPE_NAMES, LENGTH_FIELD
from secateur.errors import ModelError
from secateur.whole_file import whole_file

SCHEMA: Final = 1

MARK: Final = ".packed."
"""Between a weight's name and that of a part."""

KEY: Final = "secateur"
"""Of our entry in the header's metadata."""

PART_TYPES: Final[Mapping[type[np.generic], str]] = {
    np.uint8: "U8",
    np.uint16: "U16",
    np.uint32: "U32",
    np.int64: "I64",
    np.float32: "F32",
}

SAME_BITS: Final = {1: torch.uint8, 2: torch.uint16, 4: torch.uint32, 8: torch.uint64}


class PackedFile(NamedTuple):
    """What a packed file holds."""

    weights: dict[str, PackedWeight]
    stored: str
    """``plain``, or ``zstd``: how the parts lie there."""


class _Entry(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    data: Array


def write_packed(
    path: Path, weights: Mapping[str, PackedWeight], others: Mapping[str, Tensor], *, compress: bool = False
) -> int:
    """Write packed weights and what is left as it is; `compress` makes the parts smaller, but they cannot be mapped.

    The bytes are little-endian, as safetensors' are. A file is there whole or not at all. Return what the parts take.
    """
    parts = list(_parts(weights, compress=compress))
    entries = [*parts, *_plain(others)]
    layouts = {name: weight.layout.to_json() for name, weight in weights.items()}
    ours = {"schema": SCHEMA, "stored": "zstd" if compress else "plain", "weights": layouts}
    header: dict[str, Any] = {"__metadata__": {"format": "pt", KEY: json.dumps(ours)}}
    start = 0
    for entry in entries:
        end = start + entry.data.nbytes
        header[entry.name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(LENGTH_FIELD + len(text)) % ALIGNMENT)
    with whole_file(path) as part, part.open("wb") as file:
        file.write(len(text).to_bytes(LENGTH_FIELD, "little") + text)
        for entry in entries:
            file.write(entry.data.tobytes())
    return sum(entry.data.nbytes for entry in parts)


def _parts(weights: Mapping[str, PackedWeight], *, compress: bool) -> Iterator[_Entry]:
    for name, (layout, parts) in sorted(weights.items()):
        for part, kind in layout.types().items():
            data = zstd.deflate(parts[part]) if compress else parts[part]
            dtype = "U8" if compress else layout.dtype if part == "values" else PART_TYPES[kind]
            yield _Entry(f"{name}{MARK}{part}", dtype, data.shape, data)


def _plain(others: Mapping[str, Tensor]) -> Iterator[_Entry]:
    """Give the tensors that are not packed, wide types first: so each lies at a multiple of its own width."""
    for name, tensor in sorted(others.items(), key=lambda item: (-item[1].element_size(), item[0])):
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        yield _Entry(name, DTYPE_NAMES[str(tensor.dtype)], tuple(tensor.shape), data)


def read_packed(path: Path, *, fits: Callable[[str, Layout], None] = lambda name, layout: None) -> PackedFile:
    """Open a packed file and look at all of it; plain parts are mapped, not copied.

    `fits` is asked about every weight before any is restored, and raises where a file is not of the model: what a few
    bytes may swell to is what the model has room for.

    Raises:
        ModelError: It is no packed file, was written by another version, or is damaged.
    """
    try:
        _read_ahead(path)
        with safe_open(path, framework="pt") as file:
            stored, layouts = _ours(path, (file.metadata() or {}).get(KEY))
            names = set(file.keys())
        _check_names(path, names, layouts)
        for name, layout in layouts.items():
            fits(name, layout)
        data = mapped(path, (f"{name}{MARK}{part}" for name, layout in layouts.items() for part in layout.types()))
        weights: dict[str, PackedWeight] = {}
        for name, layout in layouts.items():
            parts = {part: data[f"{name}{MARK}{part}"] for part in layout.types()}
            weights[name] = PackedWeight(layout, _whole(name, layout, parts, stored))
        return PackedFile(weights, stored)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"`{path}` must be a whole safetensors file, but is not: {error}; copy or export the model again"
        ) from error


def _read_ahead(path: Path) -> None:
    """Ask for all of a file at once, where the system can: parts are looked at in turn, which looks like jumping."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def whole(name: str, layout: Layout, parts: Mapping[str, Tensor], stored: str) -> Parts:
    """Return the parts of a weight as they are worked with, looked at and, where they were compressed, restored.

    Raises:
        ModelError: They are damaged.
    """
    return _whole(name, layout, {part: _bits(tensor) for part, tensor in parts.items()}, stored)


def _whole(name: str, layout: Layout, parts: Parts, stored: str) -> Parts:
    found, types = dict(parts), layout.types()
    if stored == "zstd":
        lengths = layout.lengths(0)
        if "starts" in found:
            first = zstd.inflate(name, found["starts"], length=lengths["starts"], kind=types["starts"])
            lengths = layout.lengths(check_starts(name, layout, first))
        found = {part: zstd.inflate(name, found[part], length=lengths[part], kind=types[part]) for part in found}
    else:
        found = {part: array.view(types[part]) if _fits(array, types[part]) else array for part, array in found.items()}
    check(name, layout, found)
    return found


def _bits(tensor: Tensor) -> Array:
    return tensor.reshape(-1).view(SAME_BITS[tensor.element_size()]).numpy()


def _fits(array: Array, kind: type[np.generic]) -> bool:
    return array.dtype.itemsize == np.dtype(kind).itemsize


def _ours(path: Path, text: str | None) -> tuple[str, dict[str, Layout]]:
    """Read our entry in the header: how parts are stored, and the layout of every weight."""
    try:
        ours = json.loads(text or "null")
    except ValueError:
        ours = None
    if not isinstance(ours, dict) or ours.get("schema") != SCHEMA or ours.get("stored") not in ("plain", "zstd"):
        raise ModelError(
            f"`{path}` must be a packed file of schema {SCHEMA}, but its header says {text or 'nothing of it'!s:.60}; "
            f"export the model again, or open it with the version of secateur that wrote it"
        )
    weights = ours.get("weights")
    if not isinstance(weights, dict):
        raise ModelError(f"`{path}` must list its weights, but lists {weights!r:.40}; export the model again")
    if ours["stored"] == "zstd":
        zstd.require_zstd()
    return ours["stored"], {name: layout_from(name, fields) for name, fields in weights.items()}


def _check_names(path: Path, names: set[str], layouts: Mapping[str, Layout]) -> None:
    wanted = {f"{name}{MARK}{part}" for name, layout in layouts.items() for part in layout.types()}
    if odd := sorted(wanted ^ {name for name in names if MARK in name}):
        state = "is missing" if odd[0] in wanted else "belongs to no weight"
        raise ModelError(f"`{path}` must hold the parts of its weights, but `{odd[0]:.80}` {state}; export it again")
