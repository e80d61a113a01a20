from typing import Any

import pytest

from secateur.recipes.overrides import apply

ROWS: list[tuple[dict[str, Any], list[str], dict[str, Any]]] = [
    ({}, [], {}),
    ({}, ["seed=3"], {"seed": 3}),
    ({"seed": 1}, ["seed=2", "seed=3"], {"seed": 3}),
    ({}, ["model=a=b"], {"model": "a=b"}),
    ({"model": "m"}, ["model="], {"model": None}),
    ({}, ["train.learning_rate=5e-4"], {"train": {"learning_rate": 5e-4}}),
    ({"train": {"a": 1}}, ["train.b=2"], {"train": {"a": 1, "b": 2}}),
    ({}, ["granularity=[head, ffn_unit]"], {"granularity": ["head", "ffn_unit"]}),
    ({}, ["schedule={name: linear, end: 0.5}"], {"schedule": {"name": "linear", "end": 0.5}}),
    ({"schedule": "linear"}, ["schedule.end=0.5"], {"schedule": {"name": "linear", "end": 0.5}}),
    ({"criterion": "taylor"}, ["criterion.power=2"], {"criterion": {"name": "taylor", "power": 2}}),
    ({"augment": {"specaugment": None}}, ["augment.specaugment.x=1"], {"augment": {"specaugment": {"x": 1}}}),
    ({}, ["augment.speed=null"], {"augment": {"speed": None}}),
    ({"target": {"params": 0.5}}, ["target.bytes=0.4"], {"target": {"bytes": 0.4}}),
    ({"target": {"params": 0.5}}, ["target.params=0.4"], {"target": {"params": 0.4}}),
    ({"train": {"target": {"a": 1}}}, ["train.target.b=2"], {"train": {"target": {"a": 1, "b": 2}}}),
    ({"data": {"valid": {"a": "x"}}}, ["data.valid.b=y"], {"data": {"valid": {"a": "x", "b": "y"}}}),
]

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "seed", "an override must be `key=value`, as in `target.params=0.5`, but is 'seed'"),
    ({}, "=3", "must be `key=value`"),
    ({}, "a..b=3", "must be `key=value`"),
    ({}, "model=[", "the value of `model` must be YAML"),
    ({}, "train={a: 1, a: 2}", "`a` must be given once"),
    ({"seed": 3}, "seed.x=3", "`seed` must be a mapping to set `seed.x`, but is 3; override it whole"),
    ({"train": {"schedule": "a"}}, "train.schedule.b=y", "`train.schedule` must be a mapping"),
    ({"data": {"valid": "a"}}, "data.valid.b=y", "`data.valid` must be a mapping to set `data.valid.b`, but is 'a'"),
]


@pytest.mark.parametrize(("fields", "overrides", "result"), ROWS)
def test_overrides_reach_their_field(fields: dict[str, Any], overrides: list[str], result: dict[str, Any]) -> None:
    assert apply(fields, overrides) == (result, [])


@pytest.mark.parametrize(("fields", "override", "fragment"), WRONG)
def test_a_wrong_override_is_said_and_left_out(fields: dict[str, Any], override: str, fragment: str) -> None:
    result, (problem,) = apply(fields, [override])
    assert fragment in problem
    assert result == fields


def test_what_came_in_is_not_changed() -> None:
    fields = {"train": {"a": 1}}
    apply(fields, ["train.a=2", "train.b=3"])
    assert fields == {"train": {"a": 1}}


def test_dots_belong_to_the_last_key_after_so_many_levels() -> None:
    assert apply({"a": {"b": 1}}, ["a.c.d=2"], levels=2) == ({"a": {"b": 1, "c.d": 2}}, [])
    assert apply({}, ["a.c.d=2"], levels=1) == ({"a.c.d": 2}, [])
