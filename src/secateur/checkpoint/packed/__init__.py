"""The packed file: a model without its zeros."""

from secateur.checkpoint.packed.encode import Encoding, PackedWeight, pack, sizes
from secateur.checkpoint.packed.file import MARK, SCHEMA, PackedFile, read_packed, whole, write_packed
from secateur.checkpoint.packed.layout import DTYPES, PARTS, Layout
from secateur.checkpoint.packed.zstd import require_zstd

__all__ = [
    "DTYPES",
    "MARK",
    "PARTS",
    "SCHEMA",
    "Encoding",
    "Layout",
    "PackedFile",
    "PackedWeight",
    "pack",
    "read_packed",
    "require_zstd",
    "sizes",
    "whole",
    "write_packed",
]
