import dataclasses

import pytest

from secateur.group import Group, Slice


def group() -> Group:
    slices = (Slice(tensor="a.weight", dim=0), Slice(tensor="b.weight", dim=1, gate=True), Slice(tensor="c.weight"))
    return Group(name="a:ffn_unit", granularity="ffn_unit", module="a", units=3, slices=slices)


def test_a_group_prints_where_its_units_lie() -> None:
    assert str(group()) == "a:ffn_unit: 3 x (a.weight[0], b.weight[1], c.weight)"


@pytest.mark.parametrize("record", [group(), group().slices[0]])
def test_records_are_frozen_and_compare_by_value(record: Group | Slice) -> None:
    field = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, field, "other")
    assert record == dataclasses.replace(record)
    assert hash(record) == hash(dataclasses.replace(record))


def test_records_take_no_positional_arguments() -> None:
    with pytest.raises(TypeError, match="positional"):
        Slice("a.weight")  # pyright: ignore
