"""How a weight lies in a packed file: its encoding, and how long that makes its parts."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, final

import numpy as np
import torch

from secateur.errors import ModelError

ROWS: Final = 16
"""Outputs of a tile: as many numbers of 32 bits as a vector of 512 bits has."""

WORD: Final = 4
"""Bytes of such a number: narrower values of one row lie side by side until they fill it."""

ALIGNMENT: Final = 64
"""Bytes that every part is padded to a multiple of: a cache line, and a vector."""

WIDTHS: Final = (1, 2, 4)
"""Columns that a tile may have."""

LARGEST: Final = 1 << 31
"""No axis of a weight is longer."""

NARROW: Final = 1 << 16
"""Tiles in a row that an index of 16 bits can tell apart."""

DTYPES: Final[Mapping[str, tuple[torch.dtype, type[np.generic]]]] = {
    "F64": (torch.float64, np.uint64),
    "F32": (torch.float32, np.uint32),
    "F16": (torch.float16, np.uint16),
    "BF16": (torch.bfloat16, np.uint16),
    "I8": (torch.int8, np.uint8),
}
"""safetensors' name of a type -> torch's, and what its bits are moved about as."""

ENCODINGS: Final = ("rows", "bitmask", "blocks")

PARTS: Final = ("starts", "mask", "index", "scales", "values")
"""What a weight can lie in, in the order in which the parts of one follow each other."""


@final
@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a reader must know of a weight besides its parts."""

    encoding: str
    """``rows``: every number; ``bitmask``: a bit for each, and those that are not 0; ``blocks``: whole tiles."""

    shape: tuple[int, ...]
    outputs: int
    """The axis that counts outputs: the rows of the matrix; all others in turn are its columns."""

    dtype: str
    """Of the values, as safetensors calls it; of I8 each row has a scale."""

    width: int = 1
    """Columns of a tile."""

    @cached_property
    def rows(self) -> int:
        """How many outputs there are."""
        return self.shape[self.outputs]

    @cached_property
    def columns(self) -> int:
        """How many weights each output has."""
        return self.numel // self.rows

    @cached_property
    def numel(self) -> int:
        """How many weights there are, zeros among them."""
        return math.prod(self.shape)

    @cached_property
    def down(self) -> int:
        """How many tiles lie one below the other."""
        return -(-self.rows // ROWS)

    @cached_property
    def across(self) -> int:
        """How many tiles lie side by side."""
        return -(-self.columns // self.width)

    @cached_property
    def lane(self) -> int:
        """How many values of a row lie side by side in a tile."""
        return min(self.width, self.full)

    @cached_property
    def full(self) -> int:
        """How many values fill a word: the width of the tiles below a mask."""
        return max(1, WORD // self.itemsize)

    @cached_property
    def itemsize(self) -> int:
        """Bytes of a value."""
        return np.dtype(self.bits).itemsize

    @cached_property
    def bits(self) -> type[np.generic]:
        """The type that values are moved about as."""
        return DTYPES[self.dtype][1]

    def types(self) -> Mapping[str, type[np.generic]]:
        """Return the parts that there are, and the type of each."""
        return self._types

    @cached_property
    def _types(self) -> Mapping[str, type[np.generic]]:
        index = np.uint16 if self.across <= NARROW else np.uint32
        known = {"starts": np.int64, "mask": np.uint8, "index": index, "scales": np.float32, "values": self.bits}
        absent = {"rows": {"starts", "mask", "index"}, "bitmask": {"index"}, "blocks": {"mask"}}[self.encoding]
        return {
            part: kind
            for part, kind in known.items()
            if part not in absent and (part != "scales" or self.dtype == "I8")
        }

    def used(self, kept: int) -> dict[str, int]:
        """Return how many entries of each part mean something, with so many values or blocks kept."""
        tile = ROWS * self.width
        values = {"rows": self.rows * self.columns, "bitmask": kept, "blocks": kept * tile}[self.encoding]
        known = {
            "starts": self.down + 1,
            "mask": self.down * self.across * tile // 8,
            "index": kept,
            "scales": self.rows,
            "values": values,
        }
        return {part: known[part] for part in self.types()}

    def lengths(self, kept: int) -> dict[str, int]:
        """Return how many entries each part has: padded, and after values behind a mask one more vector can be read."""
        over = {"values": ALIGNMENT // self.itemsize} if self.encoding == "bitmask" else {}
        types = self.types()
        return {
            part: _padded(count + over.get(part, 0), np.dtype(types[part]).itemsize)
            for part, count in self.used(kept).items()
        }

    def nbytes(self, kept: int) -> int:
        """Return how long all parts are together."""
        types = self.types()
        return sum(count * np.dtype(types[part]).itemsize for part, count in self.lengths(kept).items())

    def to_json(self) -> dict[str, Any]:
        """Return what the file's header says."""
        return {**asdict(self), "shape": list(self.shape)}


def _padded(count: int, itemsize: int) -> int:
    return -(-count * itemsize // ALIGNMENT) * ALIGNMENT // itemsize


def layout_from(name: str, fields: Any) -> Layout:
    """Read what a header says of a weight.

    Raises:
        ModelError: A field is missing, unknown, or not what it can be.
    """
    if not isinstance(fields, Mapping) or set(fields) != {"encoding", "shape", "outputs", "dtype", "width"}:
        raise damaged(name, "the fields encoding, shape, outputs, dtype and width", fields)
    shape, outputs = fields["shape"], fields["outputs"]
    if not isinstance(shape, list) or not shape or not all(type(n) is int and 0 < n <= LARGEST for n in shape):
        raise damaged(name, f"a shape of numbers from 1 to {LARGEST}", shape)
    if type(outputs) is not int or not 0 <= outputs < len(shape):
        raise damaged(name, f"an axis of outputs from 0 to {len(shape) - 1}", outputs)
    for field, known in (("encoding", ENCODINGS), ("dtype", tuple(DTYPES)), ("width", WIDTHS)):
        if type(fields[field]) not in (str, int) or fields[field] not in known:
            raise damaged(name, f"one of {', '.join(map(str, known))} for {field}", fields[field])
    found = Layout(
        encoding=fields["encoding"], shape=tuple(shape), outputs=outputs, dtype=fields["dtype"], width=fields["width"]
    )
    if found.encoding == "bitmask" and found.width != found.full:
        raise damaged(name, f"tiles of {found.full} columns below its mask", found.width)
    return found


def damaged(name: str, wanted: str, got: Any) -> ModelError:
    """Say what a packed file holds instead of what it must hold for a weight."""
    return ModelError(
        f"the packed file must hold {wanted} for `{name:.80}`, but holds {got!s:.60}; it is damaged, or not of "
        f"secateur's making: copy or export the model again"
    )
