"""How small the model shall become."""

from typing import Annotated, Literal, Self, final, get_args

from pydantic import BeforeValidator, model_validator

from secateur.recipes.parts import Part
from secateur.recipes.sentences import listed, shown

Unit = Literal["params", "bytes", "macs", "sparsity"]
UNITS: tuple[Unit, ...] = get_args(Unit)

SMALLEST_COUNT = 1000
"""An absolute target below this is a slip: no model has so few parameters, bytes or MACs."""


def kept(value: object) -> int | float | None:
    """Read a share of the dense model in (0, 1), or an absolute count.

    >>> kept(0.5), kept(2_000_000), kept(2e6)
    (0.5, 2000000, 2000000)

    Raises:
        ValueError: It is neither; where it looks like per cent, the message says what was meant.
    """
    number = _number(value)
    if number is None or 0 < number < 1:
        return number
    if number >= SMALLEST_COUNT and float(number).is_integer():
        return int(number)
    raise ValueError(
        f"must be a share in (0, 1) or an absolute count of at least {SMALLEST_COUNT}, but is {shown(value)}"
        + _as_share(number)
    )


def removed(value: object) -> float | None:
    """Read a sparsity: a share of zeros in [0, 1).

    Raises:
        ValueError: It is none.
    """
    number = _number(value)
    if number is None or 0 <= number < 1:
        return number
    raise ValueError(f"must be a share in [0, 1), but is {shown(value)}{_as_share(number)}")


def _number(value: object) -> int | float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ValueError(f"must be a number, but is {shown(value)}{_from_text(value)}")


def _from_text(value: object) -> str:
    try:
        return _as_share(float(str(value).removesuffix("%"))) if str(value).endswith("%") else ""
    except ValueError:
        return ""


def _as_share(per_cent: float) -> str:
    return f"; did you mean {per_cent / 100:g}?" if 1 < per_cent < 100 else ""


@final
class Target(Part):
    """The size that may not be exceeded, in one unit or in several.

    The first unit given, in the order below, is reached exactly; the others are bounds that hold too.
    """

    params: Annotated[int | float | None, BeforeValidator(kept)] = None
    """Parameters kept: a share of the whole model or a count. Where units become zeros in place
    (`element`, `n_of_m`, `block`), those that are not zero."""

    bytes: Annotated[int | float | None, BeforeValidator(kept)] = None
    """Bytes of weights on disk: a share of the dense model's or a count."""

    macs: Annotated[int | float | None, BeforeValidator(kept)] = None
    """Multiply-accumulates per second of audio or per token: a share of the dense model's or a count."""

    sparsity: Annotated[float | None, BeforeValidator(removed)] = None
    """Share of zeros among the weights that may be pruned, in [0, 1); only with the granularities `element`,
    `n_of_m` and `block`, and alone."""

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        given = self.units
        if not given:
            raise ValueError(f"must have at least one of {listed(UNITS)}, but has none of them")
        if "sparsity" in given and len(given) > 1:
            raise ValueError(f"must have sparsity alone, but has {' and '.join(given)}")
        return self

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units that the recipe chose; the first is reached exactly.

        >>> Target(macs=0.6, params=0.5).units
        ('params', 'macs')
        """
        return tuple(unit for unit in UNITS if getattr(self, unit) is not None)

    @property
    def name(self) -> str:
        """What a folder is called after it.

        >>> Target(params=0.5, macs=0.6).name
        'params-0.5-macs-0.6'
        """
        return "-".join(f"{unit}-{self.amount(unit)}" for unit in self.units)

    def amount(self, unit: Unit) -> int | float:
        """Return the number given in a unit: below 1 a share, else an absolute count.

        >>> Target(params=0.5).amount("params")
        0.5
        """
        return getattr(self, unit)
