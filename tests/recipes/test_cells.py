from typing import Any

import pytest

from secateur.errors import RecipeError
from secateur.recipes.cells import cells, problems
from secateur.recipes.sweep import Sweep

BASE: dict[str, Any] = {
    "model": "m",
    "criterion": "magnitude",
    "schedule": "cubic",
    "target": {"params": 0.5},
    "train": {"max_steps": 0},
}


def sweep(recipe: dict[str, Any] | None = None, **fields: Any) -> Sweep:
    return Sweep.model_validate({"recipe": {**BASE, **(recipe or {})}, **fields})


def test_a_cell_is_the_recipe_with_its_own_fields() -> None:
    made = cells(sweep(grid={"target.params": [0.5, 0.7], "schedule.end": [0.3]}, seeds=[4]))
    assert [cell.name for cell in made] == ["params0.5-end0.3-seed4", "params0.7-end0.3-seed4"]
    assert [cell.recipe.target.params for cell in made if cell.recipe.target] == [0.5, 0.7]
    assert all((cell.recipe.schedule.name, cell.recipe.schedule.end) == ("cubic", 0.3) for cell in made)
    assert all((cell.recipe.seed, cell.recipe.model) == (4, "m") for cell in made)


def test_a_target_in_another_unit_replaces_the_one_of_the_recipe() -> None:
    (cell,) = cells(sweep(grid={"target.macs": [0.6]}))
    assert cell.recipe.target is not None
    assert cell.recipe.target.units == ("macs",)


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"grid": {"target.params": [50]}}, ["`target.params` must be a share in (0, 1) or an absolute count"]),
    (
        {"grid": {"criterion": ["magnitude", "magnitud"]}},
        ["in `magnitud`: `criterion` must be random,"],
    ),
    ({"grid": {"critrion": ["taylor"]}}, ["`critrion` is not a field of a recipe; did you mean `criterion`?"]),
    ({"grid": {"x": {"a": {"train.learning_rat": 1}}}}, ["did you mean `train.learning_rate`?"]),
    ({"grid": {"criterion.name.x": [1]}}, ["`criterion.name` must be a mapping to set `criterion.name.x`"]),
    (
        {"grid": {"granularity": ["element", "head"], "target": [{"params": 0.5}, {"bytes": 0.5}]}},
        ["in `element-bytes0.5`: `target.bytes` must go with units", "leave such a combination out with `without`"],
    ),
    (
        {"grid": {"round_to": [1, 2, 3, 4], "criterion": ["magnitude", "taylor"]}},
        ["in `round_to1-taylor`, `round_to2-taylor`, `round_to3-taylor` and 1 more: `data.train` must be given"],
    ),
    ({"recipe": {"model": None}, "also": {"x": {}}}, ["`model` must be given to prune"]),
    (
        {"grid": {"seed": [1]}, "without": [{"seed": 1}]},
        ["`without` must leave cells of the grid, or `also` add some, but neither does"],
    ),
]


@pytest.mark.parametrize(("fields", "fragments"), WRONG)
def test_what_is_wrong_with_a_cell_is_said_once_and_names_it(fields: dict[str, Any], fragments: list[str]) -> None:
    (sentence,) = problems(sweep(**fields))
    assert all(fragment in sentence for fragment in fragments)
    with pytest.raises(RecipeError):
        cells(sweep(**fields))


def test_a_wrong_value_is_no_reason_to_leave_a_combination_out() -> None:
    (sentence,) = problems(sweep(grid={"criterion": ["magnitude", "magnitud"]}))
    assert "without" not in sentence


TWINS: list[tuple[dict[str, Any], str, str]] = [
    ({"grid": {"criterion": ["magnitude", {"name": "magnitude"}]}}, "magnitude", "magnitude"),
    ({"grid": {"criterion": ["magnitude"]}, "also": {"again": {}}}, "magnitude", "again"),
    ({"also": {"one": {"round_to": 8}, "other": {"round_to": 8}}}, "one", "other"),
    ({"grid": {"x": {"a": {"round_to": 2}, "b": {"round_to": 4}}, "round_to": [8]}}, "a-round_to8", "b-round_to8"),
    (
        {"grid": {"target.params": [0.5, 0.6], "target.macs": [0.5]}},
        "params0.5-macs0.5",
        "params0.6-macs0.5",
    ),
]


@pytest.mark.parametrize(("fields", "one", "other"), TWINS)
def test_the_same_cell_twice_is_refused_and_both_are_named(fields: dict[str, Any], one: str, other: str) -> None:
    (sentence,) = problems(sweep(**fields))
    if one != other:
        assert f"`{one}` and `{other}` are the same recipe" in sentence
    else:
        assert f"two would be called `{one}`" in sentence


UNREAD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {"method": "l0", "train": {}, "data": {"train": "a"}},
        {"criterion": ["magnitude", "fisher"]},
        "`criterion`, which the method l0 does not read",
    ),
    (
        {"method": "compressed_sensing", "granularity": "element", "train": {}, "data": {"train": "a"}},
        {"criterion": ["magnitude", "fisher"]},
        "`criterion`, which the method compressed_sensing does not read",
    ),
    ({}, {"low_rank.factors": ["svd", "whitened"]}, "`low_rank`, which the method scheduled does not read"),
]


@pytest.mark.parametrize(("recipe", "grid", "fragment"), UNREAD)
def test_what_a_method_does_not_read_makes_no_cell(recipe: dict[str, Any], grid: dict[str, Any], fragment: str) -> None:
    (sentence,) = problems(sweep(recipe, grid=grid))
    assert fragment in sentence


def test_rows_may_keep_what_another_method_reads() -> None:
    ways = {"gradual": {"method": "scheduled"}, "csp": {"method": "compressed_sensing"}}
    trained = {"granularity": "element", "train": {}, "data": {"train": "a"}}
    assert len(cells(sweep(trained, grid={"criterion": ["magnitude"], "how": ways}))) == 2


NAMES: list[tuple[dict[str, Any], str]] = [
    ({"grid": {"model": ["a/b", "a_b"]}}, "two would be called `a_b`; give the values of an axis labels"),
    ({"grid": {"model": ["a", "A"]}}, "two would be called `A`"),
    ({"grid": {"model": ["m"]}, "also": {"m": {"round_to": 2}}}, "two would be called `m`"),
    ({"grid": {f"train.{n * 'long'}_{n}": ["x" * 48] for n in range(1, 6)}}, "must have at most 200 characters"),
]


@pytest.mark.parametrize(("fields", "fragment"), NAMES)
def test_every_cell_has_a_folder_of_its_own(fields: dict[str, Any], fragment: str) -> None:
    assert fragment in problems(sweep(**fields))[0]


def test_an_axis_is_not_called_as_that_of_several_sizes() -> None:
    sizes: dict[str, Any] = {"one": {"target": {"params": 0.5}}, "two": {"target": None, "targets": [0.8, 0.5]}}
    assert "as `two` has: their sizes are the axis `size`" in problems(sweep(grid={"size": sizes}))[0]
    assert not problems(sweep(grid={"how small": sizes}))
    assert not problems(sweep(grid={"size": {"one": sizes["one"], "less": {"target": {"params": 0.4}}}}))
