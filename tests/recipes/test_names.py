from importlib import import_module
from importlib.util import find_spec

import pytest

from secateur.recipes.names import AXES, DATA_FREE, ZEROED, known

TABLES = [
    ("method", "secateur.methods", "METHODS"),
    ("criterion", "secateur.criteria", "CRITERIA"),
    ("granularity", "secateur.granularity", "GRANULARITIES"),
    ("allocation", "secateur.allocation", "ALLOCATIONS"),
    ("schedule", "secateur.schedules", "SCHEDULES"),
]

WRONG = [
    ("criterion", "tylor", "but is 'tylor'; did you mean taylor?"),
    ("criterion", 3, "but is 3"),
    ("criterion", "a b.c", "dotted path"),
    ("criterion", "..", "dotted path"),
    ("granularity", "my.code:Unit", "must be element, n_of_m, block, ffn_unit, head"),
    ("granularity", ["head"], "but is ['head']"),
    ("method", "compress_sensing", "did you mean compressed_sensing?"),
    ("allocation", "uniformly", "did you mean uniform?"),
    ("schedule", "cube", "did you mean cubic?"),
]


@pytest.mark.parametrize(("axis", "module", "table"), TABLES)
def test_an_axis_names_exactly_what_its_folder_has(axis: str, module: str, table: str) -> None:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        pytest.skip(f"{module} is not there yet")
    assert set(AXES[axis].built) == set(getattr(import_module(module), table))


@pytest.mark.parametrize(("axis", "name", "fragment"), WRONG)
def test_an_unknown_name_is_refused_with_advice(axis: str, name: object, fragment: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        known(axis, name)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("axis", ["criterion", "allocation", "schedule"])
@pytest.mark.parametrize("name", ["mine:Score", "my_code.scores:Mine", "my_code.scores.Mine"])
def test_code_from_outside_is_named_by_dotted_path(axis: str, name: str) -> None:
    assert known(axis, name) == name


def test_data_free_criteria_exist() -> None:
    assert set(DATA_FREE) <= set(AXES["criterion"].built)


def test_the_granularities_that_leave_zeros_are_those_whose_shapes_stay() -> None:
    table = import_module("secateur.granularity").GRANULARITIES
    assert set(ZEROED) == {name for name, granularity in table.items() if granularity.leaves == "element"}
