import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from secateur.criteria import Magnitude, Movement, Random, Taylor
from secateur.errors import ModelError, RecipeError, TargetError
from secateur.families import family_of
from secateur.group import Runs
from secateur.jobs.compose import check_parts, compose, require_data
from secateur.methods import L0, Scheduled, StraightThrough
from secateur.recipes import recipe_from
from secateur.surgery import shrink
from speech import recognizer


def composed(model: Any = None, **fields: Any) -> Any:
    return compose(recipe_from({"target": {"params": 0.8}, **fields}), recognizer() if model is None else model)


def test_names_become_parts() -> None:
    method = composed(criterion="magnitude", schedule={"name": "linear", "start": 0.25, "end": 0.5, "every": 7}).method
    assert isinstance(method._criterion, Magnitude)
    assert (method._schedule.share(0.25), method._schedule.share(0.375), method._schedule.share(0.5)) == (0.0, 0.5, 1.0)
    assert method._every == 7
    assert not method.needs_batches
    assert not method.starts_cut


def test_the_default_is_taylor_along_a_cubic_schedule() -> None:
    method = composed().method
    assert isinstance(method._criterion, Taylor)
    assert method.needs_batches
    assert method._schedule.share(0.3) == 0.875


def test_one_shot_starts_cut() -> None:
    assert composed(schedule="one_shot").method.starts_cut


def test_random_scores_hang_on_the_recipes_seed_unless_it_has_its_own() -> None:
    assert composed(criterion="random", seed=5).method._criterion == Random(seed=5)
    assert composed(criterion={"name": "random", "seed": 2}, seed=5).method._criterion == Random(seed=2)


def test_groups_are_those_of_the_granularities_and_patterns() -> None:
    groups = composed(granularity=["head", "ffn_unit"], exclude=["*layers.0*"]).groups
    assert {group.granularity for group in groups} == {"head", "ffn_unit"}
    assert all("layers.1" in group.name for group in groups)


def test_the_budget_is_the_targets() -> None:
    method = composed(target={"params": 8000}).method
    assert (method.budget.unit, method.budget.kept) == ("params", 8000)
    assert method.budget.whole == sum(parameter.numel() for parameter in recognizer().parameters())


def test_shapes_of_runs_and_blocks_are_the_recipes() -> None:
    sparse = {"target": {"sparsity": 0.2}, "criterion": "magnitude"}
    assert {
        g.runs for g in composed(granularity="n_of_m", n_of_m=[1, 2], include=["*self_attn*"], **sparse).groups
    } == {Runs(stay=1, of=2)}
    blocks = composed(granularity="block", block=[8, 8], **sparse).groups
    assert {group.slices[0].block for group in blocks} == {(8, 8)}


class Outside:
    """A criterion from outside: the largest go first."""

    needs_gradient = False
    gate_only = False

    def __init__(self, power: int = 1) -> None:
        self.power = power

    def elements(self, weight: Any, gradient: Any, *, name: str) -> Any:
        return -(weight.abs() ** self.power)

    def units(self, total: Any) -> Any:
        return total


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("somebodys_code")
    module.Outside = Outside
    monkeypatch.setitem(sys.modules, "somebodys_code", module)


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("path", ["somebodys_code:Outside", "somebodys_code.Outside"])
def test_code_from_outside_is_named_by_its_dotted_path(path: str) -> None:
    method = composed(criterion={"name": path, "power": 3}).method
    assert isinstance(method._criterion, Outside)
    assert method._criterion.power == 3


WRONG = [
    (
        {"criterion": {"name": "magnitude", "power": 2}},
        RecipeError,
        "`criterion` must have options that `magnitude` takes",
    ),
    ({"criterion": {"name": "movement", "kind": "fast"}}, RecipeError, "`criterion.kind` must be hard or soft"),
    ({"criterion": {"name": "movement", "power": 2}}, RecipeError, "`criterion` must have options that `movement`"),
    ({"allocation": {"name": "uniform", "by": "x"}}, RecipeError, "unexpected keyword argument 'by'"),
    ({"criterion": "no_such_code:Mine"}, RecipeError, "`criterion` must name a part or importable code"),
    ({"criterion": "json:Mine"}, RecipeError, "has no attribute 'Mine'"),
    ({"allocation": "collections:OrderedDict"}, RecipeError, "but those of `collections:OrderedDict` lack __call__"),
    (
        {"criterion": "somebodys_code:Outside", "target": {"params": 10**7}},
        TargetError,
        "must be below what the model has",
    ),
    ({"criterion": {"name": "somebodys_code:Outside", "root": 1}}, RecipeError, "unexpected keyword argument 'root'"),
    ({"include": ["nothing*"]}, RecipeError, "must leave something to prune"),
    ({"exclude": ["*"]}, RecipeError, "loosen a pattern"),
    (
        {"target": {"params": 9074}},
        TargetError,
        "`target.params` must be below what the model has, 9,074, but is 9,074",
    ),
    ({"target": {"bytes": 10**8}}, TargetError, "`target.bytes` must be below what the model has"),
    ({"target": {"macs": 10**12}}, TargetError, "`target.macs` must be below what the model has"),
    ({"target": {"params": 0.01}}, TargetError, "`target.params` must be at least 2,866, 0.3159 of the whole model"),
    ({"target": {"params": 0.6}, "keep_at_least": {"ffn_unit": 24}}, TargetError, "lower `keep_at_least`"),
    ({"target": {"params": 0.3}, "granularity": "element", "include": ["*conv*"]}, TargetError, "widen `include`"),
    (
        {"target": {"sparsity": 0.6}, "granularity": "n_of_m"},
        TargetError,
        "`target.sparsity` must be at most 0.5 of the weights that may be pruned, since the others stay by `n_of_m`",
    ),
    ({"target": {"sparsity": 0.75}, "granularity": "n_of_m", "n_of_m": [1, 3]}, TargetError, "must be at most 0.6666"),
    ({"target": {"params": 0.3}, "granularity": "n_of_m"}, TargetError, "`target.params` must be at least"),
    ({"target": {"sparsity": 0.5}, "granularity": "block", "block": [7, 7]}, RecipeError, "`block` must fit the shape"),
    (
        {"target": {"sparsity": 0.9}, "granularity": "block", "keep_at_least": {"block": 9}},
        TargetError,
        "`keep_at_least`, but is 0.9",
    ),
]


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize(("fields", "kind", "fragment"), WRONG)
def test_what_does_not_go_together_is_said_before_any_work(fields: dict, kind: type, fragment: str) -> None:
    with pytest.raises(kind) as caught:
        composed(**fields)
    assert fragment in str(caught.value)


def test_parts_are_checked_without_a_model_and_only_those_that_the_method_reads() -> None:
    wrong = {"target": {"params": 0.8}, "criterion": {"name": "movement", "kind": "medium"}}
    with pytest.raises(RecipeError, match=r"`criterion\.kind` must be hard or soft"):
        check_parts(recipe_from(wrong))
    check_parts(recipe_from({**wrong, "method": "l0"}))


def test_what_was_chosen_and_is_not_read_is_said(caplog: pytest.LogCaptureFixture) -> None:
    sparse = {"method": "compressed_sensing", "granularity": "element", "target": {"sparsity": 0.5}}
    composed(criterion="magnitude", **sparse)
    assert caplog.messages == ["`criterion` is not read by the method compressed_sensing: what it says changes nothing"]
    caplog.clear()
    composed(keep_at_least={"head": 2, "element": 3}, **sparse)
    assert caplog.messages == ["`keep_at_least.head` is not read: `granularity` has no head"]
    caplog.clear()
    composed(**sparse)
    assert caplog.messages == []


def test_test_sets_that_training_has_seen_are_said(caplog: pytest.LogCaptureFixture) -> None:
    seen = {"train": "a.jsonl", "valid": {"dev": "b.jsonl"}, "test": {"one": ["b.jsonl", "c.jsonl"], "two": "a.jsonl"}}
    composed(data=seen)
    assert caplog.messages == [
        "the test set `two` holds `a.jsonl`, which is trained on: its numbers are too good",
        "the test set `one` holds `b.jsonl`, which chooses the best epoch: its numbers are too good",
    ]
    caplog.clear()
    composed(data=seen, train={"max_steps": 0}, criterion="magnitude")
    assert caplog.messages == []


def test_whole_units_need_a_family_that_is_known_and_single_weights_do_not() -> None:
    plain = torch.nn.Sequential(torch.nn.Linear(20, 20), torch.nn.Linear(20, 20))
    with pytest.raises(ModelError, match="any model can be pruned with `granularity: element`"):
        composed(plain)
    assert len(composed(plain, granularity="element", target={"sparsity": 0.5}).groups) == 2


def test_a_criterion_that_looks_at_data_needs_some(tmp_path: Path) -> None:
    def ask(**fields: Any) -> None:
        recipe = recipe_from({"target": {"params": 0.8}, **fields})
        require_data(recipe, compose(recipe, recognizer()))

    with pytest.raises(
        RecipeError, match=r"`data\.train` must be given for the criterion taylor, .* `criterion=magnitude`"
    ):
        ask(criterion="taylor")
    ask(criterion="magnitude")
    ask(criterion="taylor", data={"train": "m.jsonl"})


@pytest.mark.parametrize("limits", [{}, {"round_to": 8}, {"keep_at_least": {"head": 2, "ffn_unit": 5}}])
@pytest.mark.parametrize("granularity", [["ffn_unit"], ["head", "ffn_unit", "conv_channel"], ["module", "ffn_unit"]])
def test_the_least_that_a_refusal_names_can_be_reached(granularity: list[str], limits: dict) -> None:
    asked = {"granularity": granularity, "exclude": ["*layers.1*"], **limits}  # a count below 1000 is taken for a slip
    with pytest.raises(TargetError, match=r"at least [\d,]+") as caught:
        composed(target={"params": 0.001}, **asked)
    least = int(re.findall(r"at least ([\d,]+)", str(caught.value))[0].replace(",", ""))
    model = recognizer()
    pruning = composed(model, target={"params": least}, criterion="magnitude", **asked)
    pruning.method.prepare(model, pruning.groups, total_steps=0)
    shrink(model, pruning.groups, pruning.method.finish(), set_layers=family_of(model).set_layers)
    assert sum(parameter.numel() for parameter in model.parameters()) == least
    with pytest.raises(TargetError):
        composed(target={"params": least - 1}, **asked)


def test_gates_are_built_from_their_fields() -> None:
    schedule = {"name": "linear", "start": 0.1, "end": 0.6}
    method = composed(method="l0", schedule=schedule, gates={"openness": 0.7, "warm_up": 0.4}, seed=3).method
    assert isinstance(method, L0)
    assert [method._schedule.share(p) for p in (0.1, 0.2, 0.3)] == pytest.approx([0.0, 0.5, 1.0])
    assert method._end == 0.6
    assert (method._openness, method._seed) == (0.7, 3)


def test_a_preview_is_scheduled_whatever_the_method() -> None:
    recipe = recipe_from({"target": {"params": 0.8}, "method": "l0"})
    assert isinstance(compose(recipe, recognizer(), preview=True).method, Scheduled)


def test_compressed_sensing_is_previewed_by_magnitude_and_this_is_said(caplog: pytest.LogCaptureFixture) -> None:
    sparse = {"method": "compressed_sensing", "granularity": "element", "target": {"sparsity": 0.5}}
    found = compose(recipe_from(sparse), recognizer(), preview=True).method
    assert isinstance(found, Scheduled)
    assert isinstance(found._criterion, Magnitude)
    assert caplog.messages == ["what is solved for in training is not known: zeros are shown by magnitude, as many"]


def test_movement_is_scheduled_with_units_that_come_back() -> None:
    options = {"name": "movement", "kind": "soft", "learning_rate": 0.1, "penalty": 2.0}
    method = composed(criterion=options, schedule={"name": "linear", "start": 0.1, "end": 0.6, "every": 3}).method
    assert isinstance(method, StraightThrough)
    assert method._criterion == Movement(kind="soft", learning_rate=0.1, penalty=2.0)
    assert (method._schedule.start, method._schedule.end, method._every) == (0.1, 0.6, 3)
    assert method.needs_batches


def test_with_gates_movement_is_not_read() -> None:
    assert isinstance(composed(criterion="movement", method="l0").method, L0)


@pytest.mark.parametrize("method", ["scheduled", "l0"])
def test_movement_is_previewed_by_magnitude_and_this_is_said(method: str, caplog: pytest.LogCaptureFixture) -> None:
    recipe = recipe_from({"target": {"params": 0.8}, "criterion": "movement", "method": method})
    with caplog.at_level("WARNING"):
        found = compose(recipe, recognizer(), preview=True).method
    assert isinstance(found, Scheduled)
    assert isinstance(found._criterion, Magnitude)
    assert caplog.messages == [
        "before training nothing has moved: what would leave is shown by magnitude, its size is the same"
    ]
