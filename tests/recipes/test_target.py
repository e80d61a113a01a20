from typing import Any

import pytest
from pydantic import ValidationError

from secateur.recipes.target import UNITS, Target, kept, removed

AMBIGUOUS = "must be a share in (0, 1) or an absolute count of at least 1000, but is "

WRONG_KEPT = [
    (50, AMBIGUOUS + "50; did you mean 0.5?"),
    (0, AMBIGUOUS + "0"),
    (1, AMBIGUOUS + "1"),
    (1.0, AMBIGUOUS + "1.0"),
    (-0.5, AMBIGUOUS + "-0.5"),
    (999, AMBIGUOUS + "999"),
    (1000.5, AMBIGUOUS + "1000.5"),
    (float("inf"), AMBIGUOUS + "inf"),
    (float("nan"), AMBIGUOUS + "nan"),
    ("50%", "must be a number, but is '50%'; did you mean 0.5?"),
    ("half%", "must be a number, but is 'half%'"),
    ("half", "must be a number, but is 'half'"),
    (True, "must be a number, but is true"),
]

WRONG_REMOVED = [
    (80, "must be a share in [0, 1), but is 80; did you mean 0.8?"),
    (1.0, "must be a share in [0, 1), but is 1.0"),
    (-0.1, "but is -0.1"),
    (float("nan"), "but is nan"),
    ("80 %", "must be a number, but is '80 %'; did you mean 0.8?"),
]

WRONG_UNITS: list[tuple[dict[str, Any], str]] = [
    ({}, "must have at least one of params, bytes, macs or sparsity, but has none of them"),
    ({"params": None}, "none of them"),
    ({"params": 0.5, "sparsity": 0.5}, "must have sparsity alone, but has params and sparsity"),
]


@pytest.mark.parametrize(("value", "message"), WRONG_KEPT)
def test_an_amount_to_keep_must_make_sense(value: object, message: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        kept(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(("value", "fragment"), WRONG_REMOVED)
def test_a_sparsity_must_make_sense(value: object, fragment: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        removed(value)
    assert fragment in str(caught.value)


def test_a_sparsity_of_zero_removes_nothing_and_is_allowed() -> None:
    assert removed(0) == 0


def test_a_count_stays_an_integer() -> None:
    assert isinstance(Target(params=2_000_000).amount("params"), int)
    assert Target.model_validate({"bytes": 2e6}).amount("bytes") == 2_000_000


@pytest.mark.parametrize(("fields", "fragment"), WRONG_UNITS)
def test_a_target_has_one_unit_or_several_that_go_together(fields: dict[str, Any], fragment: str) -> None:
    with pytest.raises(ValidationError, match=fragment):
        Target.model_validate(fields)


@pytest.mark.parametrize("unit", UNITS)
def test_a_target_knows_its_unit_and_writes_only_that(unit: str) -> None:
    target = Target.model_validate({unit: 0.5})
    assert target.units == (unit,)
    assert target.amount(unit) == 0.5
    assert target.model_dump() == {unit: 0.5}
