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


def test_what_is_read_does() -> None:
    one, other = (Recipe.model_validate({"method": "low_rank", "criterion": name}) for name in ("wanda", "fisher"))
    assert as_read(one) != as_read(other)
    assert unread(one, other) == []
