"""What was cut, arranged as people think of a model: stacks of blocks, and what lies side by side in a block."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from secateur.report.sites import WHOLE, Site

ORDER = (
    *("feed_forward1", "ffn1", "self_attn", "attention", "attn", "encoder_attn", "cross_attn"),
    *("conv", "conv_module", "feed_forward2", "ffn2", "feed_forward", "mlp"),
)
"""How a Conformer block (arXiv 2005.08100, figure 1) and a Transformer block run; other names follow in plan order."""

MAX_BLOCKS = 512
"""Blocks without a site are drawn up to this index; a plan that names a higher one is drawn without the gaps."""

MAX_COLUMNS = 12
"""Places side by side; a block with more shows the rest together as one."""

OTHER = "other"

NAMES: Mapping[str, str] = {
    "ffn_unit": "feed-forward units",
    "head": "heads",
    "conv_channel": "convolution channels",
    "module": "modules",
    "layer": "blocks",
    "element": "weights",
    "block": "weight blocks",
    "n_of_m": "weights",
    "rank": "rank components",
}
"""Granularity -> its units in words."""


Found = tuple[int, str, Site]
"""Index of the block, place in the block, and the site there."""


@final
@dataclass(frozen=True, kw_only=True)
class Bar:
    """Units of one granularity at one place."""

    granularity: str
    kept: int
    units: int

    @property
    def share(self) -> float:
        """The share kept, in [0, 1]."""
        return self.kept / self.units if self.units else 1.0

    @property
    def whole(self) -> bool:
        """Whether the units are residual modules or blocks, of which only those that left are worth a count."""
        return self.granularity in WHOLE

    @property
    def name(self) -> str:
        """The units in words."""
        return NAMES.get(self.granularity, self.granularity)


@final
@dataclass(frozen=True, kw_only=True)
class Spot:
    """One place of one block: a cell of the picture."""

    gone: bool = False
    bars: tuple[Bar, ...] = ()
    """None where the plan has no site: nothing left here."""


@final
@dataclass(frozen=True, kw_only=True)
class Block:
    """One row of the picture."""

    name: str
    gone: bool = False
    """Whether the whole block left."""

    spots: tuple[Spot, ...] = ()


@final
@dataclass(frozen=True, kw_only=True)
class Stack:
    """Blocks of the same make."""

    name: str
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]


def totals(sites: Iterable[Site]) -> tuple[Bar, ...]:
    """Units kept over the whole model, per granularity."""
    return _bars(list(sites))


def stacks(sites: Iterable[Site]) -> tuple[Stack, ...]:
    """The model's blocks in order, one stack per list of blocks, and what lies outside of any last.

    >>> site = Site(granularity="head", module="encoder.layers.1.self_attn", units=4, kept=3)
    >>> [(s.name, s.columns, [b.name for b in s.blocks]) for s in stacks([site])]
    [('encoder.layers', ('self_attn',), ['0', '1'])]
    """
    places: dict[str, list[Found]] = {}
    for site in sites:
        name, index, column = place(site.module)
        # Units that hang on the block itself stand under their granularity; a block that left as a whole has no place.
        places.setdefault(name, []).append((index, column or ("" if site.whole else site.granularity), site))
    return tuple(_stack(name, places[name]) for name in sorted(places, key=lambda name: name == ""))


def place(module: str) -> tuple[str, int, str]:
    """Stack, index of the block and place in the block; no stack for a module outside of numbered blocks.

    >>> place("encoder.layers.11.conv"), place("encoder.layers.3"), place("lm_head")
    (('encoder.layers', 11, 'conv'), ('encoder.layers', 3, ''), ('', 0, 'lm_head'))
    """
    parts = module.split(".")
    for position, part in enumerate(parts):
        if position and part.isascii() and part.isdigit():
            # Deeper names ("self_attn.q_proj") belong to the same place of the block.
            return ".".join(parts[:position]), int(part[:9]), ".".join(parts[position + 1 : position + 2])
    return "", 0, module


def _stack(name: str, found: Sequence[Found]) -> Stack:
    if not name:
        return _outside(found)
    columns, by_place = _columns(found), dict[tuple[int, str], list[Site]]()
    for index, column, site in found:
        by_place.setdefault((index, column if column in columns or not column else OTHER), []).append(site)
    indices = _indices({index for index, _, _ in found})
    return Stack(name=name, columns=columns, blocks=tuple(_block(index, columns, by_place) for index in indices))


def _outside(found: Sequence[Found]) -> Stack:
    """Modules that are in no block: one row each."""
    names = dict.fromkeys(column for _, column, _ in found)
    rows = {name: [site for _, column, site in found if column == name] for name in names}
    blocks = (Block(name=name, spots=(_spot(rows[name]),)) for name in names)
    return Stack(name="", columns=("",), blocks=tuple(blocks))


def _columns(found: Sequence[Found]) -> tuple[str, ...]:
    """Sorting is stable, so names that `ORDER` does not know keep the plan's order behind those it does."""
    names = sorted(dict.fromkeys(column for _, column, _ in found if column), key=_rank)
    return tuple(names) if len(names) <= MAX_COLUMNS else (*names[: MAX_COLUMNS - 1], OTHER)


def _rank(column: str) -> int:
    return ORDER.index(column) if column in ORDER else len(ORDER)


def _indices(named: set[int]) -> list[int]:
    """Blocks that lost nothing may be absent from a plan, so the gaps are filled."""
    return sorted(named) if max(named) >= MAX_BLOCKS else list(range(max(named) + 1))


def _block(index: int, columns: Sequence[str], found: Mapping[tuple[int, str], list[Site]]) -> Block:
    return Block(
        name=str(index),
        gone=any(site.whole and site.gone for site in found.get((index, ""), [])),
        spots=tuple(_spot(found.get((index, column), [])) for column in columns),
    )


def _spot(sites: Sequence[Site]) -> Spot:
    bars = _bars([site for site in sites if not site.whole])
    removed = any(site.whole and site.gone for site in sites)
    return Spot(gone=removed or (bool(bars) and all(bar.kept == 0 for bar in bars)), bars=bars)


def _bars(sites: Sequence[Site]) -> tuple[Bar, ...]:
    names = dict.fromkeys(site.granularity for site in sites)
    return tuple(
        Bar(
            granularity=name,
            kept=sum(site.kept for site in sites if site.granularity == name),
            units=sum(site.units for site in sites if site.granularity == name),
        )
        for name in names
    )
