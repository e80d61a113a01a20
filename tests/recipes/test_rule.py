from typing import Any, get_args

import pytest

from secateur.recipes.rule import Reads, Rule, Verb
from secateur.recipes.rules import RULES
from secateur.recipes.schema import Recipe

SOUND: dict[Verb, dict[str, Any]] = {
    "train": {"architecture": {"hidden_size": 8, "heads": 2}, "data": {"train": "a.jsonl"}},
    "prune": {"model": "m", "data": {"train": "a.jsonl"}, "target": {"params": 0.5}},
    "plan": {"model": "m", "target": {"params": 0.5}},
}


@pytest.mark.parametrize(("reads", "rule"), RULES)
def test_a_rule_reads_fields_and_says_what_is_wrong_in_sentences(reads: Reads, rule: Rule) -> None:
    assert set(reads) <= set(Recipe.model_fields)
    for verb, fields in SOUND.items():
        assert list(rule(Recipe.model_validate(fields), verb)) == []


def test_every_verb_that_reads_a_recipe_has_one_here_that_is_sound() -> None:
    assert set(SOUND) == set(get_args(Verb))
