from typing import Any

import pytest

from secateur.recipes.drafts import MAX_CELLS, drafts, shape_problems
from secateur.recipes.sweep import Sweep

GRID: dict[str, Any] = {
    "criterion": ["magnitude", "taylor"],
    "granularity": [["head"], ["head", "ffn_unit"]],
    "how": {"once": {"schedule": "one_shot"}, "slowly": {"schedule": "cubic"}},
}


def sweep(**fields: Any) -> Sweep:
    return Sweep.model_validate({"recipe": {}, "grid": GRID, **fields})


def names(**fields: Any) -> list[str]:
    return [draft.name for draft in drafts(sweep(**fields))]


def test_every_combination_is_made_the_first_axis_slowest() -> None:
    wanted = [
        f"{criterion}-{units}-{how}"
        for criterion in ("magnitude", "taylor")
        for units in ("head", "head+ffn_unit")
        for how in ("once", "slowly")
    ]
    assert names() == wanted


def test_a_draft_has_the_values_that_made_it_and_the_fields_they_set() -> None:
    last = drafts(sweep())[-1]
    assert last.axes == {"criterion": "taylor", "granularity": ["head", "ffn_unit"], "how": "slowly"}
    assert last.fields == {"criterion": "taylor", "granularity": ["head", "ffn_unit"], "schedule": "cubic"}


WITHOUT: list[tuple[list[dict[str, Any]], int]] = [
    ([{"criterion": "taylor"}], 4),
    ([{"criterion": "taylor", "how": "once"}], 6),
    ([{"criterion": "taylor", "how": ["once", "slowly"]}], 4),
    ([{"granularity": ["head"]}], 4),
    ([{"granularity": [["head"], ["head", "ffn_unit"]]}], 0),
    ([{"criterion": "taylor", "how": "once"}, {"criterion": "taylor"}], 4),
]


@pytest.mark.parametrize(("without", "left"), WITHOUT)
def test_a_combination_that_makes_no_sense_is_left_out(without: list[dict[str, Any]], left: int) -> None:
    assert shape_problems(sweep(without=without)) == []
    assert len(names(without=without)) == left


def test_cells_beside_the_grid_come_last_and_nothing_leaves_them_out() -> None:
    beside = {"by chance": {"criterion": "random", "schedule": "one_shot"}, "as it is": {}}
    every = drafts(sweep(also=beside, without=[{"criterion": ["magnitude", "taylor"]}]))
    assert [draft.name for draft in every] == ["by_chance", "as_it_is"]
    assert every[0].axes == {"criterion": "random"}
    assert every[1].axes == every[1].fields == {}


def test_every_cell_is_run_with_every_seed() -> None:
    every = drafts(sweep(grid={"criterion": ["taylor"]}, also={"x": {}}, seeds=[0, 7]))
    assert [draft.name for draft in every] == ["taylor-seed0", "taylor-seed7", "x-seed0", "x-seed7"]
    assert [draft.fields["seed"] for draft in every] == [0, 7, 0, 7]
    assert "seed" not in every[0].axes


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"without": [{}]}, "`without[0]` must name a value of an axis, but is empty"),
    ({"without": [{"criteria": "taylor"}]}, "but names 'criteria'; did you mean criterion?"),
    ({"without": [{"zzz": 1}]}, "but names 'zzz'; those are criterion, granularity, how"),
    ({"without": [{"how": "fast"}]}, "`without[0].how` must be a value of that axis, or a list of them, but is 'fast'"),
    ({"without": [{"how": ["once", "fast"]}]}, "they are 'once', 'slowly'"),
    ({"without": [{"how": []}]}, "but is []"),
    ({"grid": {}}, "`grid` must be given, or `also`, but both are absent"),
    ({"grid": {"seed": list(range(1001))}}, "must have at most 1,000 cells, but `grid`, `also` and `seeds` make 1,001"),
    ({"seeds": list(range(126))}, "make 1,008"),
]


@pytest.mark.parametrize(("fields", "fragment"), WRONG)
def test_a_wrong_shape_is_a_sentence(fields: dict[str, Any], fragment: str) -> None:
    (sentence,) = shape_problems(sweep(**fields))
    assert fragment in sentence


def test_as_many_cells_as_there_may_be_are_none_too_many() -> None:
    assert shape_problems(sweep(grid={"seed": list(range(MAX_CELLS))})) == []


def test_a_product_too_large_to_list_is_counted() -> None:
    grid = {f"axis{n}": list(range(100)) for n in range(20)}
    (sentence,) = shape_problems(sweep(grid=grid))
    assert f"make {100**20:,}" in sentence
