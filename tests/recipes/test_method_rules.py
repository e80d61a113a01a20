from typing import Any

import pytest

from secateur.recipes.method_rules import METHOD_RULES, moves
from secateur.recipes.rule import Verb
from secateur.recipes.rules import problems
from secateur.recipes.schema import Recipe

PRUNE: dict[str, Any] = {"model": "m", "data": {"train": "a.jsonl"}, "target": {"params": 0.5}}
L1, REWIND = {"scheduled": {"l1": 1e-4}}, {"scheduled": {"rewind": True}}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({**L1, "method": "l0"}, "`scheduled.l1` must go with the method scheduled or low_rank, but `method` is l0"),
    ({**REWIND, "criterion": "movement", "schedule": {"start": 0.1}}, "`scheduled.rewind` must go with the method"),
    ({**L1, "schedule": "one_shot"}, "`scheduled.l1` must have training steps before units leave, but has none"),
    ({**REWIND, "train": {"max_steps": 0}}, "`scheduled.rewind` must have training steps before units leave"),
    ({**REWIND, "schedule": {"end": 1.0}}, "`schedule.end` must be below 1 with `scheduled.rewind`"),
    ({**REWIND, "target": None, "targets": [0.8, 0.5]}, "`targets` must be absent with `scheduled.rewind`"),
]


@pytest.mark.parametrize(("fields", "fragment"), WRONG)
def test_what_happens_between_cuts_needs_cuts_and_steps(fields: dict[str, Any], fragment: str) -> None:
    (problem,) = problems(Recipe.model_validate({**PRUNE, **fields}), verb="prune")
    assert fragment in problem


@pytest.mark.parametrize("fields", [L1, REWIND, {**L1, "target": None, "targets": [0.8, 0.5]}])
@pytest.mark.parametrize("verb", ["prune", "plan"])
def test_with_both_nothing_is_wrong(fields: dict[str, Any], verb: Verb) -> None:
    assert not problems(Recipe.model_validate({**PRUNE, **fields}), verb=verb)


RANKS = {"method": "low_rank", "granularity": "rank", "quantize": {"bits": 8}}


def test_ranks_that_fall_in_training_are_not_rounded_on_the_way() -> None:
    (problem,) = problems(Recipe.model_validate({**PRUNE, **RANKS}), verb="prune")
    assert "`quantize` must be absent where ranks fall in training" in problem
    for fields in ({"schedule": "one_shot"}, {"train": {"max_steps": 0}}):
        assert not problems(Recipe.model_validate({**PRUNE, **RANKS, **fields}), verb="prune")


def test_gates_come_back_by_themselves_whatever_the_criterion_says() -> None:
    assert moves(Recipe(criterion="movement"))  # pyright: ignore[reportArgumentType]
    assert not moves(Recipe(criterion="movement", method="l0"))  # pyright: ignore[reportArgumentType]


def test_rules_read_fields_that_exist() -> None:
    assert {name for reads, _ in METHOD_RULES for name in reads} <= set(Recipe.model_fields)
