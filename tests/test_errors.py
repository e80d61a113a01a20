import inspect

import pytest

from secateur import errors
from secateur.errors import (
    DataError,
    DivergedError,
    MissingExtraError,
    ModelError,
    RecipeError,
    RequestError,
    SecateurError,
    TargetError,
    WorkError,
)


@pytest.mark.parametrize(
    ("error", "parent"),
    [
        (RequestError, SecateurError),
        (WorkError, SecateurError),
        (RecipeError, RequestError),
        (DataError, RequestError),
        (TargetError, RequestError),
        (ModelError, RequestError),
        (MissingExtraError, RequestError),
        (DivergedError, WorkError),
    ],
)
def test_the_tree_is_the_one_that_is_drawn(error: type, parent: type) -> None:
    assert error.__bases__ == (parent,)
    assert error.__name__ in (errors.__doc__ or "")


def test_nothing_is_missing_from_the_drawing() -> None:
    found = [name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert [name for name in found if name not in (errors.__doc__ or "")] == []


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        (["`a` is wrong"], "`a` is wrong"),
        (["`a` is wrong", "`b` too"], "2 problems:\n  - `a` is wrong\n  - `b` too"),
    ],
)
def test_a_recipe_error_lists_all_problems(problems: list[str], text: str) -> None:
    error = RecipeError(problems)
    assert str(error) == text
    assert error.problems == tuple(problems)


@pytest.mark.parametrize("fragment", ["`flashlight`", "beam search", "pip install 'secateur[beam]'"])
def test_a_missing_extra_says_what_to_install(fragment: str) -> None:
    assert fragment in str(MissingExtraError("flashlight", extra="beam", purpose="beam search runs"))
