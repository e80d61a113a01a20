import pytest

from secateur.recipes.names import AXES
from secateur.recipes.schema import Recipe
from secateur.recipes.unread import UNREAD, as_read, unread


def test_every_method_says_which_fields_it_does_not_read() -> None:
    assert UNREAD.keys() == AXES["method"].built.keys()
    assert all(set(names) <= Recipe.model_fields.keys() for names in UNREAD.values())


def test_what_is_not_read_tells_no_two_recipes_apart() -> None:
    one, other = (Recipe.model_validate({"method": "l0", "criterion": name}) for name in ("wanda", "fisher"))
    assert one != other
    assert as_read(one) == as_read(other)
    assert unread(one, other) == ["criterion"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"block": [8, 8]}, {}),
        ({"n_of_m": [1, 4], "granularity": "block"}, {"granularity": "block"}),
        ({"cool_down": 0.5}, {}),
    ],
)
def test_nor_does_what_says_nothing_beside_other_values(one: dict[str, object], other: dict[str, object]) -> None:
    assert as_read(Recipe.model_validate(one)) == as_read(Recipe.model_validate(other))


def test_what_a_granularity_or_several_sizes_read_tells_recipes_apart() -> None:
    for read in ({"block": [8, 8], "granularity": "block"}, {"cool_down": 0.5, "targets": [0.8, 0.5]}):
        plain = {name: value for name, value in read.items() if name not in ("block", "cool_down")}
        assert as_read(Recipe.model_validate(read)) != as_read(Recipe.model_validate(plain))


def test_what_is_read_does() -> None:
    one, other = (Recipe.model_validate({"method": "low_rank", "criterion": name}) for name in ("wanda", "fisher"))
    assert as_read(one) != as_read(other)
    assert unread(one, other) == []
