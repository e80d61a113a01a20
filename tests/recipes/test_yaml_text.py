import pytest

from secateur.errors import RecipeError
from secateur.recipes.yaml_text import MAX_BYTES, MAX_DEPTH, parse, write

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))

WRONG = [
    ("a: [", "it must be YAML, but line 1, column 5"),
    ("a: 1\n b: 2", "line 2"),
    ("a: *missing", "undefined alias"),
    ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
    ("a: 2024-13-45", "bad value"),
    ("--- 1\n--- 2", "found another document"),
    ("a: \x00", "must be YAML"),
    ("{[1]: 2}", "unhashable"),
    ("a: 1\nb: 2\na: 3", "`a` must be given once, but is on line 1 and again on line 3"),
    ("x: {a: 1, a: 2}", "`a` must be given once, but is on line 1 and again on line 1"),
    ("x: [{a: 1,\n a: 2}]", "on line 1 and again on line 2"),
    (BOMB, "its aliases stand for more"),
    ("&a [*a]", "its aliases stand for more"),
    ("[" * 5000, f"nested at most {MAX_DEPTH} deep"),
    ("#" * (MAX_BYTES + 1), f"it must have at most {MAX_BYTES} bytes"),
]

NUMBERS = [("5e-4", 5e-4), ("1.5e3", 1500.0), ("-1E-2", -0.01), (".5e1", 5.0), ("5.0e-4", 5e-4), ("0.5", 0.5)]


@pytest.mark.parametrize(("text", "fragment"), WRONG)
def test_bad_yaml_is_refused(text: str, fragment: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(text, name="it")
    assert fragment in str(caught.value)


def test_all_keys_given_twice_are_listed() -> None:
    with pytest.raises(RecipeError) as caught:
        parse("a: 1\na: 2\nb: {c: 1, c: 2}", name="it")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    assert parse(text, name="it") == number


@pytest.mark.parametrize("text", ["e5", "5e", "1e5x", "a-1e5"])
def test_what_only_resembles_a_number_is_text(text: str) -> None:
    assert parse(text, name="it") == text


def test_text_that_looks_like_a_number_stays_text() -> None:
    assert parse(write({"a": "5e-4"}), name="it") == {"a": "5e-4"}


def test_modest_aliases_and_merges_work() -> None:
    assert parse("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}", name="it")["c"] == {"x": 1, "y": 2}


def test_nothing_is_null() -> None:
    assert parse("# only a comment", name="it") is None
