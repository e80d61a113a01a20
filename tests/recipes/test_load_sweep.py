from pathlib import Path
from typing import Any

import pytest
import yaml

from secateur.errors import RecipeError
from secateur.recipes.cells import cells
from secateur.recipes.load_sweep import dump_sweep, is_sweep, load_sweep, sweep_from
from secateur.recipes.shipped import sweeps

BASE: dict[str, Any] = {
    "model": "m",
    "criterion": "magnitude",
    "target": {"params": 0.5},
    "train": {"max_steps": 0},
}
SWEEP: dict[str, Any] = {"recipe": BASE, "grid": {"criterion": ["magnitude", "random"], "target.params": [0.5, 0.6]}}


def written(folder: Path, fields: Any) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(fields))
    return path


def recipes(sweep: Any) -> list[Any]:
    return [cell.recipe for cell in cells(sweep)]


def test_a_file_and_the_fields_in_python_are_the_same_sweep(tmp_path: Path) -> None:
    assert load_sweep(written(tmp_path, SWEEP)) == sweep_from(SWEEP)


def test_a_recipe_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(BASE))
    for name in (str(tmp_path / "mine.yaml"), "one-shot-magnitude"):
        sweep = sweep_from({"recipe": name, "grid": {"round_to": [1, 8]}})
        assert [recipe.round_to for recipe in recipes(sweep)] == [1, 8]
        assert all(recipe.criterion.name == "magnitude" for recipe in recipes(sweep))


@pytest.mark.parametrize("name", sweeps())
def test_a_sweep_written_and_read_again_has_the_same_cells(name: str, tmp_path: Path) -> None:
    sweep = load_sweep(name, ["seeds=[0, 3]"])
    (tmp_path / "again.yaml").write_text(dump_sweep(sweep))
    assert recipes(load_sweep(tmp_path / "again.yaml")) == recipes(sweep)


def test_an_override_reaches_the_recipe_of_every_cell() -> None:
    sweep = sweep_from(SWEEP, ["round_to=8", "recipe.keep_at_least.head=1"])
    assert [(recipe.round_to, recipe.keep_at_least) for recipe in recipes(sweep)] == [(8, {"head": 1})] * 4


def test_an_override_may_reach_the_sweep_itself() -> None:
    sweep = sweep_from(
        SWEEP, ["seeds=[1, 2]", "grid.target.params=[0.7]", "also.by={round_to: 4}", "grid.round_to=[1,2]"]
    )
    assert [cell.name for cell in cells(sweep)][:2] == [
        "magnitude-params0.7-round_to1-seed1",
        "magnitude-params0.7-round_to1-seed2",
    ]
    assert len(cells(sweep)) == 2 * 1 * 2 * 2 + 2


def test_an_override_may_name_another_recipe() -> None:
    sweep = sweep_from({"recipe": "nothing", "grid": {"round_to": [1]}}, ["seed=2", "recipe=one-shot-magnitude"])
    assert (recipes(sweep)[0].schedule.name, recipes(sweep)[0].seed) == ("one_shot", 2)


WRONG: list[tuple[dict[str, Any], list[str], str]] = [
    ({}, [], "`recipe` must be given, but is absent"),
    ({"recipe": "prune-hal"}, [], "did you mean prune-half?"),
    ({"recipe": "demo-grid"}, [], "that is a sweep: `secateur sweep demo-grid"),
    ({"sedes": [1]}, [], "`sedes` is not a field of a sweep; did you mean `seeds`?"),
    ({"zzz": [1]}, [], "those are recipe, grid, without, also, seeds"),
    ({"round_to": 1}, [], "`round_to` is not a field of a sweep; it is one of a recipe: put it into `recipe`"),
    ({}, ["seed"], "an override must be `key=value`"),
    ({}, ["criterion=random"], "'criterion=random' does not: `grid.criterion` sets that in each"),
    ({}, ["criterion.power=2"], "`grid.criterion` sets that in each; give `grid.criterion=...` instead"),
    ({}, ["target.macs=0.3"], "`grid.target.params` sets that in each"),
    ({"seeds": [1]}, ["seed=3"], "`seeds` sets that in each; give `seeds=...` instead"),
    ({}, ["grid.criterion.x=3"], "`grid.criterion.x` must be a list of values"),
    ({"recipe": 3}, ["round_to=1"], "`recipe` must be a mapping, but is 3"),
]


@pytest.mark.parametrize(("fields", "overrides", "fragment"), WRONG)
def test_what_is_wrong_is_a_sentence(fields: dict[str, Any], overrides: list[str], fragment: str) -> None:
    whole = {**SWEEP, **fields} if fields or overrides else {"grid": {}}
    with pytest.raises(RecipeError) as caught:
        sweep_from(whole, overrides)
    assert fragment in str(caught.value)


def test_a_label_that_leaves_a_field_alone_lets_an_override_through() -> None:
    grid = {"how": {"short": {"round_to": 8}, "as said": {"keep_at_least.head": 1}}}
    sweep = sweep_from({"recipe": BASE, "grid": grid}, ["round_to=2"])
    assert [recipe.round_to for recipe in recipes(sweep)] == [8, 2]


def test_everything_that_is_wrong_is_listed_at_once() -> None:
    fields = {**SWEEP, "sedes": 1, "grid": {"criterion": ["magnitude", "taylor"], "target.params": [50, 0.5]}}
    with pytest.raises(RecipeError) as caught:
        sweep_from(fields, ["nonsense"])
    starts = [problem.partition(":")[0].partition(" but")[0] for problem in caught.value.problems]
    assert len(starts) == 4
    assert starts[0].startswith("an override must be")
    assert starts[1].startswith("`sedes` is not a field")
    assert starts[2] == "in `magnitude-params50`, `taylor-params50`"
    assert starts[3] == "in `taylor-params50`, `taylor-params0.5`"


def test_cells_are_not_judged_where_it_is_not_known_what_they_are() -> None:
    with pytest.raises(RecipeError) as caught:
        sweep_from({"recipe": {"model": 3}, "grid": {"criterion": "taylor"}})
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("fields", "whether"), [(SWEEP, True), ({"recipe": "prune-half"}, True), (BASE, False), ({}, False)]
)
def test_a_sweep_is_told_from_a_recipe(fields: dict[str, Any], whether: bool, tmp_path: Path) -> None:
    assert is_sweep(written(tmp_path, fields)) is whether


def test_shipped_names_are_told_apart() -> None:
    assert is_sweep("demo-grid")
    assert not is_sweep("prune-half")
    assert not is_sweep("nothing")
