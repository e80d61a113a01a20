from typing import Any

import pytest
from pydantic import ValidationError

from secateur.recipes.problems import sentences
from secateur.recipes.sweep import Sweep

WRONG: list[tuple[dict[Any, Any], str]] = [
    ({}, "`recipe` must be given, but is absent"),
    ({"recipe": 3}, "`recipe` must be a mapping, but is 3"),
    ({"grid": []}, "`grid` must be a mapping, but is []"),
    ({"grid": {3: [1]}}, "`grid.3` must be a text key, but is 3; quote it"),
    ({"grid": {"a": "taylor"}}, "must be a list of values, or a mapping from labels to fields, but is 'taylor'"),
    ({"grid": {"a": []}}, "`grid.a` must have at least one value, but is an empty list"),
    ({"grid": {"a": {}}}, "`grid.a` must have at least one label, but is an empty mapping"),
    ({"grid": {"a": [[1], 2, [1]]}}, "`grid.a` must have each value once, but has [1] twice"),
    ({"grid": {"a": {True: {"seed": 1}}}}, "`grid.a` must have labels of text, but one is true; quote it"),
    ({"grid": {"a": {"x": "taylor"}}}, "`grid.a` must set fields with the label 'x', but that is 'taylor'"),
    ({"grid": {"a": {"x": {}}}}, "`grid.a` must set fields with the label 'x', but that is {}"),
    ({"without": {}}, "`without` must be a list, but is {}"),
    ({"without": ["a"]}, "`without[0]` must be a mapping, but is 'a'"),
    ({"also": {"a": 3}}, "`also.a` must be a mapping, but is 3"),
    ({"seeds": 3}, "`seeds` must be a list, but is 3"),
    ({"seeds": []}, "`seeds` must name at least one seed, but is an empty list"),
    ({"seeds": [1, "a"]}, "`seeds[1]` must be an integer, but is 'a'"),
    ({"seeds": [-1]}, "`seeds[0]` must be at least 0, but is -1"),
    ({"seeds": [2, 2]}, "`seeds` must name each seed once, but is [2, 2]"),
]


@pytest.mark.parametrize(("fields", "fragment"), WRONG)
def test_a_wrong_field_is_a_sentence(fields: dict[Any, Any], fragment: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sweep.model_validate({"recipe": {}, **fields} if fields else {})
    (sentence,) = sentences(caught.value)
    assert fragment in sentence


def test_every_field_has_its_own_docstring() -> None:
    assert all(field.description for field in Sweep.model_fields.values())


def test_the_seeds_are_absent_unless_given() -> None:
    assert "seeds" not in Sweep(recipe={}).model_dump()
    assert Sweep.model_validate({"recipe": {}, "seeds": [0, 1]}).model_dump()["seeds"] == (0, 1)
