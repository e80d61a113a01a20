"""Parts from names; parts of whole recipes: test_compose.py."""

from typing import Any

import pytest

from secateur.criteria import CRITERIA, Taylor
from secateur.errors import RecipeError
from secateur.jobs.part import ANSWERS, build
from secateur.recipes import Named
from secateur.recipes.names import AXES


def test_what_is_ours_is_built_by_its_name() -> None:
    assert build("criterion", CRITERIA, Named(name="taylor")) == Taylor()


def test_every_axis_that_takes_code_from_outside_says_what_it_asks_of_it() -> None:
    assert ANSWERS.keys() == {name for name, axis in AXES.items() if axis.outside}


@pytest.mark.parametrize(
    ("axis", "lacking"),
    [
        ("criterion", "lack needs_gradient, gate_only, elements, units"),
        ("allocation", "lack __call__"),
        ("schedule", "lack end, share"),
    ],
)
def test_code_that_is_something_else_is_refused(axis: str, lacking: str) -> None:
    part: Any = Named(name="collections:OrderedDict")
    with pytest.raises(RecipeError, match=f"`{axis}` must name a class whose objects have .* {lacking}"):
        build(axis, {}, part)
