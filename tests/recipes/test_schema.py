from typing import Any

import pytest
from pydantic import ValidationError

from secateur.recipes.schema import PRUNING, Recipe, Schedule

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"granularity": []}, "must name at least one"),
    ({"granularity": ["head", "head"]}, "must name each only once"),
    ({"granularity": None}, "but is null"),
    ({"granularity": {"head": 1}}, "but is"),
    ({"n_of_m": [4, 4]}, "must keep fewer than it takes together, but is"),
    ({"n_of_m": [0, 4]}, "n_of_m"),
    ({"n_of_m": [2]}, "n_of_m"),
    ({"block": [16, 0]}, "block"),
    ({"block": 16}, "block"),
    ({"keep_at_least": {"hed": 1}}, "did you mean head"),
    ({"keep_at_least": {"head": 0}}, "keep_at_least.head"),
    ({"criterion": {"power": 2}}, "criterion.name"),
    ({"criterion": {"name": 3}}, "criterion.name"),
    ({"schedule": {"every": 0}}, "schedule.every"),
    ({"schedule": {"end": 1.1}}, "schedule.end"),
    ({"schedule": {"power": 3}}, "schedule.power"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**32}, "seed"),
    ({"batch_seconds": 0}, "batch_seconds"),
    ({"model": 3}, "model"),
    ({"model": ""}, "must be a path"),
    ({"train": None}, "train"),
]


@pytest.mark.parametrize(("fields", "fragment"), WRONG)
def test_a_wrong_field_is_refused(fields: dict[str, Any], fragment: str) -> None:
    with pytest.raises(ValidationError, match=fragment):
        Recipe.model_validate(fields)


@pytest.mark.parametrize("model", [Recipe, Schedule])
def test_every_field_has_its_own_docstring(model: type[Recipe | Schedule]) -> None:
    assert all(field.description for field in model.model_fields.values())


def test_the_defaults_validate() -> None:
    assert Recipe.model_validate(Recipe().model_dump(mode="json")) == Recipe()


def test_two_recipes_share_no_mutable_default() -> None:
    assert Recipe().train is not Recipe().train


def test_short_and_long_forms_are_the_same() -> None:
    short = Recipe.model_validate({"criterion": "taylor", "schedule": "cubic", "granularity": "head"})
    long = Recipe.model_validate(
        {"criterion": {"name": "taylor"}, "schedule": {"name": "cubic"}, "granularity": ["head"]}
    )
    assert short == long


def test_options_reach_the_criterion() -> None:
    recipe = Recipe.model_validate({"criterion": {"name": "my.code:Score", "power": 2}})
    assert (recipe.criterion.name, recipe.criterion.options) == ("my.code:Score", {"power": 2})


def test_a_model_may_lie_with_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECATEUR_DATA", "/speech")
    assert Recipe.model_validate({"model": "${SECATEUR_DATA}/models/x"}).model == "/speech/models/x"


@pytest.mark.parametrize(
    ("train", "trains"),
    [
        ({}, True),
        ({"max_steps": 0}, False),
        ({"max_steps": 0, "num_train_epochs": 3}, False),
        ({"num_train_epochs": 0}, False),
        ({"num_train_epochs": 0, "max_steps": 5}, True),
        ({"num_train_epochs": 0.0, "max_steps": -1}, False),
    ],
)
def test_a_recipe_knows_whether_it_trains(train: dict[str, Any], trains: bool) -> None:
    assert Recipe(train=train).trains is trains


def test_the_pruning_fields_are_fields() -> None:
    assert set(PRUNING) <= set(Recipe.model_fields)
