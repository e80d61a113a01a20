"""Products with packed weights: what is prepared once, and what is done for every batch of tokens."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Generic, TypeVar, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from secateur.checkpoint.packed import PackedWeight
from secateur.errors import ModelError
from secateur.runtime import floats, integers, masked
from secateur.runtime.groups import groups, padded
from secateur.runtime.quantize import OFFSET, quantize
from secateur.runtime.threads import threads
from secateur.runtime.vectors import LANES

Tokens = npt.NDArray[np.float32]

T = TypeVar("T")
"""What tokens are arranged to."""

KEPT: Final = "bitmask", "blocks"

MASKS: Final = {4: np.uint16, 2: np.uint32}
"""Bytes of a value -> the mask of a tile."""


class Product(ABC, Generic[T]):
    """y = x W^T + b with a packed W; tokens are arranged first, which products of one kind share."""

    def __init__(self, weight: PackedWeight, bias: Tensor | None, *, shift: int) -> None:
        layout, parts = weight
        self.rows = layout.rows
        self._starts = parts["starts"][: layout.down + 1].copy()
        self._values = parts["values"]
        self._nbytes = sum(parts[part].nbytes for part in ("values", "mask") if part in parts)
        self._row = _row_table(weight, bias, shift=shift)

    @property
    @abstractmethod
    def arrange(self) -> Callable[[Tokens], T]:
        """Return how tokens (M, K) are arranged."""

    @property
    @abstractmethod
    def kind(self) -> tuple[Any, ...]:
        """Name the arrangement: products with the same can share it."""

    @abstractmethod
    def multiply(self, sizes: npt.NDArray[np.int64], arranged: T, out: Tokens, *, threads: int) -> None:
        """Write the product with tokens arranged in groups of such sizes into `out`, (M padded to them, rows)."""

    def __call__(self, arranged: T, tokens: int, *, room: Tokens | None = None) -> Tokens:
        """Return the product with so many arranged tokens: (M, rows). `room`, (M padded to groups, rows), holds it."""
        whole = padded(tokens)
        out = np.empty((whole, self.rows), np.float32) if room is None else room
        if whole:
            self.multiply(groups(tokens), arranged, out, threads=threads(self._nbytes, tokens))
        return out if whole == tokens else out[:tokens]


@final
class IntegerProduct(Product[Any]):
    r"""Of integers behind a mask or in blocks of 16 x 4, with tokens that are rounded too.

    .. math:: y_{ti} = s_t s_i \sum_j q_{tj} q_{ij} + b_i

    with both q in [-127, 127]; the sums are exact.
    """

    def __init__(self, weight: PackedWeight, bias: Tensor | None) -> None:
        super().__init__(weight, bias, shift=OFFSET)
        masks = weight.layout.encoding == "bitmask"
        self._places = weight.parts["mask"].view(np.uint64) if masks else weight.parts["index"]
        self._across = weight.layout.across

    @property
    def weight(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], Tokens]:
        """Return where rows of tiles start, masks or places, values, and what kernels need of each row."""
        return self._starts, self._places, self._values, self._row

    def move(self, places: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
        """Read the same places and values from elsewhere from now on."""
        self._places, self._values = places, values

    @property
    def across(self) -> int:
        """Return how many tiles there are side by side."""
        return self._across

    @property
    def arrange(self) -> Callable[[Tokens], Any]:
        """Return what rounds tokens."""
        return quantize

    @property
    def kind(self) -> tuple[Any, ...]:
        """Name the arrangement."""
        return ("integers",)

    def multiply(self, sizes: npt.NDArray[np.int64], arranged: Any, out: Tokens, *, threads: int) -> None:
        """Write the product with rounded tokens."""
        x, scales = arranged
        weight = self._starts, self._places, self._values
        integers.multiply(sizes, *weight, x, scales, self._row, out, self._across, threads=threads)


class FloatProduct(Product[Tokens]):
    """With tokens as they are."""

    def __init__(self, weight: PackedWeight, bias: Tensor | None) -> None:
        super().__init__(weight, bias, shift=0)
        layout = weight.layout
        self._features = layout.across * layout.width

    @property
    def arrange(self) -> Callable[[Tokens], Tokens]:
        """Return what lays features one behind the other."""
        return partial(floats.arrange, features=self._features)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Name the arrangement."""
        return ("floats", self._features)


@final
class BlockProduct(FloatProduct):
    """Of blocks of 16 x 1 or 16 x 4 of float32, bfloat16, or (16 x 1) integers."""

    def __init__(self, weight: PackedWeight, bias: Tensor | None) -> None:
        super().__init__(weight, bias)
        self._places = weight.parts["index"]
        self._columns = np.empty((0,) * weight.layout.width, np.uint8)

    def multiply(self, sizes: npt.NDArray[np.int64], arranged: Tokens, out: Tokens, *, threads: int) -> None:
        """Write the product with arranged tokens."""
        weight = self._starts, self._places, self._values, self._columns
        floats.multiply(sizes, *weight, arranged, self._row, out, threads=threads)


@final
class MaskedProduct(FloatProduct):
    """Of float32 or bfloat16 behind a mask."""

    def __init__(self, weight: PackedWeight, bias: Tensor | None) -> None:
        super().__init__(weight, bias)
        layout = weight.layout
        masks = weight.parts["mask"][: layout.used(0)["mask"]].view(MASKS[layout.itemsize])
        self._masks = masks.reshape(layout.down, layout.across)

    def multiply(self, sizes: npt.NDArray[np.int64], arranged: Tokens, out: Tokens, *, threads: int) -> None:
        """Write the product with arranged tokens."""
        weight = self._starts, self._masks, self._values
        masked.multiply(sizes, *weight, arranged, self._row, out, threads=threads)


def product(weight: PackedWeight, bias: Tensor | None) -> Product[Any]:
    """Return the product that there is for a packed weight.

    Raises:
        ModelError: There is none.
    """
    made = _kind_of(weight)
    if made is None:
        layout = weight.layout
        raise ModelError(
            f"a sparse layer must be of a kind that there is a kernel for, but is {layout.encoding} of {layout.dtype} "
            f"in tiles of {layout.width} columns; leave it dense"
        )
    return made(weight, bias)


def multipliable(weight: PackedWeight) -> bool:
    """Whether there is a kernel for a packed weight."""
    return _kind_of(weight) is not None


def _kind_of(weight: PackedWeight) -> Callable[[PackedWeight, Tensor | None], Product[Any]] | None:
    layout = weight.layout
    if layout.types().get("index") is np.uint32:
        return None
    if layout.dtype == "I8" and layout.encoding in KEPT and layout.width == layout.full:
        return IntegerProduct
    floating = layout.dtype in ("F32", "BF16")
    if layout.encoding == "bitmask" and floating:
        return MaskedProduct
    known = layout.width != 2 and (floating or (layout.dtype == "I8" and layout.width == 1))
    return BlockProduct if layout.encoding == "blocks" and known else None


def _row_table(weight: PackedWeight, bias: Tensor | None, *, shift: int) -> Tokens:
    """Return what kernels need of each row: its scale, what its sum is too large by, its bias; (down, 3 * 16)."""
    layout = weight.layout
    table = np.zeros((layout.down, 3, LANES), np.float32)
    scales = weight.parts["scales"][: layout.rows] if "scales" in weight.parts else np.ones(layout.rows, np.float32)
    columns = [scales, np.zeros(layout.rows, np.float32)]
    if shift:
        sums = weight.matrix().sum(1, dtype=torch.int32).numpy() * np.int32(shift)
        columns[1] = sums.view(np.float32)
    if bias is not None:
        columns.append(bias.detach().float().numpy())
    for place, column in enumerate(columns):
        flat = np.zeros(layout.down * LANES, np.float32)
        flat[: layout.rows] = column
        table[:, place] = flat.reshape(layout.down, LANES)
    return table.reshape(layout.down, 3 * LANES)
