from typing import Any

import pytest

from secateur.errors import RecipeError
from secateur.recipes.rules import RULES, Verb, check, problems
from secateur.recipes.schema import Recipe

PRUNE: dict[str, Any] = {"model": "m", "data": {"train": "a.jsonl"}, "target": {"params": 0.5}}
TRAIN: dict[str, Any] = {"architecture": {}, "data": {"train": "a.jsonl"}}
RANKS: dict[str, Any] = {"method": "low_rank", "granularity": "rank"}
SPARSE: dict[str, Any] = {"granularity": "element", "target": {"sparsity": 0.8}}
SENSED: dict[str, Any] = {"method": "compressed_sensing", "granularity": "element", "target": {"sparsity": 0.8}}
MOVES: dict[str, Any] = {"criterion": "movement"}

WRONG: list[tuple[Verb, dict[str, Any], str]] = [
    ("train", {"architecture": None}, "`architecture` must be given to train from scratch, or `model` to fine-tune"),
    ("train", {"model": "m"}, "`architecture` must be absent where `model` is given"),
    ("train", {"target": {"params": 0.5}}, "`secateur prune` prunes"),
    ("train", {"data": {}}, "`data.train` must be given to train, but is absent; name a manifest"),
    ("train", {"architecture": {"heads": 5}}, "is 144 for 5 heads; did you mean 145?"),
    ("train", {"architecture": {"hidden_size": 2, "heads": 5}}, "did you mean 5?"),
    ("prune", {"model": None}, "`model` must be given to prune, but is absent; name a folder or a Hub id"),
    ("prune", {"architecture": {}}, "`architecture` must be absent to prune"),
    ("prune", {"target": None}, "`target` must be given to prune, but is absent; for example `target: {params: 0.5}`"),
    ("prune", {"data": {}}, "set `train.max_steps` to 0 to prune without training"),
    (
        "prune",
        {**SPARSE, "data": {}, "method": "compressed_sensing", "sensing": {"operator": "inputs"}},
        "to prune with `sensing.operator: inputs`, but is absent; name a manifest",
    ),
    ("prune", {"data": {}, "train": {"max_steps": 0}}, "criterion taylor, which looks at data"),
    (
        "prune",
        {"rescore": {"recognizer": "r", "data": ["a", "b"], "tune_on": "b"}},
        "`rescore.tune_on` must be other speech than `rescore.data`, but 'b' is in both; name a validation set",
    ),
    ("prune", {"granularity": ["element", "head"]}, "run two prunes one after the other"),
    ("prune", {"granularity": ["head", "block"]}, "`granularity` must have block alone"),
    ("prune", {"granularity": ["block", "n_of_m"]}, "`granularity` must have n_of_m alone"),
    ("prune", {"target": {"sparsity": 0.5}}, "`target.sparsity` must go with granularity element, n_of_m or block"),
    ("prune", {"granularity": "block", "target": {"bytes": 0.5}}, "but `granularity` is ['block']: zeros stay stored"),
    ("prune", {**SPARSE, "target": {"bytes": 0.5}}, "zeros stay stored and multiplied"),
    ("prune", {**SPARSE, "target": {"macs": 0.5}}, "`target.macs` must go with units that leave whole"),
    ("prune", {**SPARSE, "target": {"params": 0.5, "macs": 0.5}}, "`target.macs` must go with units that leave whole"),
    ("prune", {"schedule": {"start": 0.8, "end": 0.3}}, "but is 0.8 where the end is 0.3"),
    ("prune", {"train": {"output_dir": "x"}}, "`train.output_dir` must be absent"),
    (
        "prune",
        {"train": {"lr_scheduler_type": "reduce_lr_on_plateau"}},
        "`train.lr_scheduler_type` must be one that follows the steps",
    ),
    ("prune", {"method": "l0", "train": {"max_steps": 0}}, "`train` must have steps for the method l0"),
    ("prune", {"method": "l0", **SPARSE}, "`granularity` must be units of many weights for the method l0"),
    ("prune", {"method": "l0", **SPARSE, "granularity": "n_of_m"}, "learns a gate for each, but is n_of_m"),
    ("prune", {"method": "l0", "schedule": "one_shot"}, "must be linear or cubic for the method l0"),
    ("prune", {"method": "l0", "schedule": {"start": 0.5, "end": 0.5}}, "`schedule.end` must be above"),
    ("prune", {"method": "low_rank"}, "`granularity` must be rank for the method low_rank, but is ['head', "),
    (
        "prune",
        {"granularity": "rank"},
        "must have rank alone and with `method: low_rank`, but is ['rank'] with scheduled",
    ),
    ("prune", {**RANKS, "target": {"bytes": 0.5}}, "`target.bytes` must go with units that leave their tensors"),
    ("prune", {"method": "compressed_sensing"}, "`granularity` must be element, n_of_m or block for the method compr"),
    (
        "prune",
        {**SENSED, "schedule": "one_shot"},
        "`schedule` must be linear or cubic for the method compressed_sensing",
    ),
    ("prune", {**SENSED, "train": {"max_steps": 0}}, "`train` must have steps for the method compressed_sensing"),
    ("prune", {**SENSED, "sensing": {"pull": 0.1}}, "`sensing.pull` must be absent or 0 with `use: forward`"),
    ("prune", {**SENSED, "sensing": {"use": "pull", "pull": 0.0}}, "`sensing.pull` must be above 0 with `use: pull`"),
    ("prune", {**SENSED, "sensing": {"use": "project", "dual": True}}, "`sensing.dual` must go with `use: pull`"),
    ("prune", {**SENSED, "target": None, "targets": [0.8, 0.5]}, "but `method` is compressed_sensing, which settles"),
    ("plan", {**RANKS, "data": {}}, "`data.train` must be given for `low_rank.factors: whitened`"),
    ("prune", {**MOVES, "train": {"max_steps": 0}}, "`train` must have steps for the criterion movement"),
    ("prune", {**MOVES, "schedule": "one_shot"}, "`schedule` must be linear or cubic for the criterion movement"),
    ("plan", {**MOVES, "schedule": "one_shot"}, "sees weights move before they leave, but is one_shot"),
    ("prune", {**MOVES, "schedule": {"end": 0.0}}, "`schedule.end` must be above 0 for the criterion movement"),
    ("prune", {**SENSED, "schedule": {"end": 0.0}}, "`schedule.end` must be above 0 for the method compressed_sensing"),
    ("prune", {"schedule": {"name": "one_shot", "start": 0.5, "end": 0.8}}, "`schedule.start` must be absent for one_"),
    ("plan", {"schedule": {"name": "one_shot", "every": 3}}, "before the first step, but is 3; write `schedule: one_s"),
    ("prune", {"target": None, "targets": []}, "`targets` must be two or more sizes in the same units, but is []"),
    ("prune", {"distill": {}}, "`distill` must have `layers` or `logits`, but has neither"),
    ("train", {"distill": {"logits": 1.0}}, "`distill.teacher` must be given to train"),
    ("prune", {"distill": {"logits": 1.0}, "train": {"max_steps": 0}}, "`distill` must be absent where nothing is"),
    ("prune", {"distill": {"layers": "fixed", "taps": [3, 1]}}, "must be layers in rising order, but is [3, 1]"),
    ("plan", {"model": None}, "`model` must be given to plan"),
    ("plan", {"target": None}, "`target` must be given to plan"),
]

RIGHT: list[tuple[Verb, dict[str, Any]]] = [
    ("train", {}),
    ("train", {"architecture": None, "model": "m"}),
    ("prune", {}),
    ("prune", SPARSE),
    ("prune", {**SPARSE, "target": {"params": 0.5}}),
    ("prune", {"target": {"params": 0.5, "macs": 0.6}}),
    ("prune", {**SPARSE, "granularity": "n_of_m"}),
    ("prune", {**SPARSE, "granularity": "block"}),
    ("prune", {**SPARSE, "granularity": "block", "method": "l0"}),
    ("prune", {"data": {}, "train": {"max_steps": 0}, "criterion": "magnitude"}),
    ("prune", {"data": {}, "train": {"max_steps": 0}, "criterion": "my.code:Score"}),
    ("prune", {"schedule": {"start": 0.5, "end": 0.5}}),
    ("plan", {"data": {}}),
    ("plan", {**RANKS, "data": {}, "low_rank": {"factors": "svd"}, "criterion": "magnitude"}),
    ("prune", {**RANKS, "target": {"params": 0.5, "macs": 0.5}}),
    ("plan", {"method": "l0", "train": {"max_steps": 0}}),
    ("prune", {"method": "l0", "distill": {"layers": "matched", "taps": [1, 3]}}),
    ("train", {"distill": {"logits": 1.0, "teacher": "m"}}),
    ("train", {"train": {"lr_scheduler_type": "reduce_lr_on_plateau"}}),
    ("prune", {"train": {"lr_scheduler_type": "reduce_lr_on_plateau"}, "schedule": "one_shot"}),
    ("prune", MOVES),
    ("prune", {**MOVES, **SPARSE}),
    ("prune", {**MOVES, "criterion": {"name": "movement", "kind": "soft"}, "granularity": "layer"}),
    ("prune", {**MOVES, "schedule": {"start": 0.5, "end": 0.5}}),
    ("prune", {**MOVES, "method": "l0"}),
    ("plan", {**MOVES, "train": {"max_steps": 0}, "data": {}}),
]


def recipe(verb: Verb, fields: dict[str, Any]) -> Recipe:
    return Recipe.model_validate({**(TRAIN if verb == "train" else PRUNE), **fields})


@pytest.mark.parametrize(("verb", "fields", "fragment"), WRONG)
def test_fields_that_do_not_go_together_are_said(verb: Verb, fields: dict[str, Any], fragment: str) -> None:
    (problem,) = problems(recipe(verb, fields), verb=verb)
    assert fragment in problem


@pytest.mark.parametrize(("verb", "fields"), RIGHT)
def test_a_right_recipe_has_no_problem(verb: Verb, fields: dict[str, Any]) -> None:
    check(recipe(verb, fields), verb=verb)


def test_check_lists_every_broken_rule_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        check(Recipe(), verb="prune")
    assert len(caught.value.problems) == 3


def test_rules_about_unreadable_fields_are_passed_over() -> None:
    assert not problems(Recipe(), verb="prune", unreadable=["model", "target", "data"])


def test_rules_read_fields_that_exist() -> None:
    assert {name for reads, _ in RULES for name in reads} <= set(Recipe.model_fields)
