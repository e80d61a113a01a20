import pytest

from secateur.recipes.sentences import MAX_SHOWN, listed, nearest, shown


@pytest.mark.parametrize(
    ("value", "text"), [("a", "'a'"), (None, "null"), (True, "true"), (False, "false"), (1, "1"), (0.0, "0.0")]
)
def test_values_are_shown_as_yaml_writers_know_them(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_long_value_is_shown_in_part() -> None:
    assert len(shown("x" * 1000)) == MAX_SHOWN
    assert shown("x" * 1000).endswith("...")


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_alternatives_are_listed_in_words(words: list[str], text: str) -> None:
    assert listed(words) == text


def test_nothing_is_proposed_for_what_resembles_nothing() -> None:
    assert nearest("zzz", ["schedule", "seed"]) is None
