import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch

import tiny
from secateur.allocation import Budget, parameters_saved
from secateur.criteria import Taylor
from secateur.evaluation import parameters
from secateur.families import find_groups
from secateur.jobs.budget import budget_for
from secateur.masks import MaskState
from secateur.methods import L0, Limits
from secateur.methods.hard_concrete import openness, start
from secateur.methods.scores import RunningScores, unit_scores
from secateur.recipes import Target
from secateur.schedules import Linear

STEPS = 60


def made(*, kept: float = 0.7, granularities: Any = ("ffn_unit", "conv_channel"), **options: Any) -> tuple:
    model = tiny.randomise(tiny.ctc(), 0).train()
    groups = find_groups(model, granularities, block=tiny.BLOCK)
    saved = parameters_saved(groups, {name: tensor.shape for name, tensor in model.named_parameters()})
    whole = float(parameters(model))
    chosen = {"schedule": Linear(start=0.0, end=0.3), "start": 0.0, "end": 0.8, **options}
    method = L0(budget=Budget(unit="params", whole=whole, kept=kept * whole, saved=saved), **chosen)
    method.prepare(model, groups, total_steps=STEPS)
    return model, groups, method


def train(model: Any, method: L0, steps: Any, *, lr: float = 1e-3) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in steps:
        optimizer.zero_grad()
        method.begin(step)
        model(**tiny.labelled(step)).loss.backward()
        method.gather(step)
        optimizer.step()
        method.step(step)


def test_gates_start_open_as_often_as_asked() -> None:
    _, groups, method = made(openness=0.8)
    expected = openness(torch.tensor(start(0.8), dtype=torch.float64)).item()
    assert method.openness.keys() == {group.name for group in groups}
    assert all(p.tolist() == pytest.approx([expected] * len(p)) for p in method.openness.values())


def test_the_expected_size_is_the_one_wanted_at_every_step() -> None:
    """While next to nothing needs to leave, gates are as open as they start."""
    model, _, method = made(gate_learning_rate=0.5)
    first = method.numbers["kept_expected"]
    for step in range(1, 48):
        train(model, method, [step])
        numbers = method.numbers
        assert numbers["kept_expected"] == pytest.approx(min(numbers["kept_wanted"], first), abs=1e-9)
    assert numbers["kept_wanted"] == pytest.approx(0.7)


def test_a_bound_in_a_second_unit_has_a_price_that_holds_it() -> None:
    """Channels are dear in the second unit: they leave more than without the bound."""
    kept = {}
    for dear in (False, True):
        model, groups, method = made(gate_learning_rate=0.5)
        saved = {g.name: 10.0 if g.granularity == "conv_channel" else 1.0 for g in groups}
        whole = sum(g.units * saved[g.name] for g in groups)
        bound = Budget(unit="macs", whole=whole, kept=(0.2 if dear else 0.99) * whole, saved=saved)
        method = L0(
            budget=replace(method.budget, also=(bound,)), schedule=Linear(start=0.0, end=0.3), start=0.0, end=0.8,
            gate_learning_rate=0.5,
        )  # fmt: skip
        method.prepare(model, groups, total_steps=STEPS)
        train(model, method, range(1, 48))
        assert (method.numbers["multiplier_macs"] > 0) is dear
        kept[dear] = sum(float(p.sum()) for site, p in method.openness.items() if site.endswith("conv_channel"))
    assert kept[True] < kept[False] - 1


def test_before_the_start_the_model_trains_as_if_there_were_no_gates() -> None:
    model, _, method = made(start=0.5, schedule=Linear(start=0.5, end=0.7))
    alone = tiny.randomise(tiny.ctc(), 0).train()
    optimizer = torch.optim.SGD(alone.parameters(), lr=1e-3)
    train(model, method, range(1, 4))
    for step in range(1, 4):
        optimizer.zero_grad()
        alone(**tiny.labelled(step)).loss.backward()
        optimizer.step()
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])


def test_between_steps_the_model_is_the_same_whatever_was_drawn() -> None:
    model, _, method = made()
    train(model, method, range(1, 4))
    shown = tiny.output(model)
    method.begin(4)
    drawn = tiny.output(model)
    assert not torch.equal(shown, drawn)
    method.gather(4)
    method.step(4)
    torch.testing.assert_close(tiny.output(model), shown, rtol=0.2, atol=0.2)


def test_draws_hang_on_the_seed_and_the_step_alone() -> None:
    outputs = {}
    for seed, step in itertools.product((0, 1), (1, 2)):
        for _ in range(2):
            model, _, method = made(seed=seed)
            method.begin(step)
            outputs.setdefault((seed, step), []).append(tiny.output(model.eval()))
    assert all(torch.equal(*same) for same in outputs.values())
    assert len({same[0].sum().item() for same in outputs.values()}) == 4


def test_settling_keeps_the_units_whose_gates_are_most_open_and_the_exact_target() -> None:
    model, groups, method = made(granularities=("ffn_unit",), kept=0.9, gate_learning_rate=0.5)
    train(model, method, range(1, 48))
    before = method.openness
    train(model, method, [48])
    assert method.at_target
    masks = method.finish()
    kept = torch.cat([before[site][mask] for site, mask in masks.items()])
    gone = torch.cat([before[site][~mask] for site, mask in masks.items()])
    assert kept.min() > gone.max() - 0.15  # the last step moved them once more
    size = method.numbers["kept_reached"]
    unit = method.budget.saved[groups[0].name] / method.budget.whole
    assert 0.9 - unit < size <= 0.9


def test_recovery_keeps_the_structure() -> None:
    model, _, method = made()
    train(model, method, range(1, 49))
    assert method.at_target
    masks = {site: mask.clone() for site, mask in method.openness.items()}
    train(model, method, range(49, STEPS + 1), lr=0.1)
    assert all(torch.equal(mask, method.openness[site]) for site, mask in masks.items())
    numbers = method.numbers
    assert numbers["kept_expected"] == numbers["kept_reached"]


def test_limits_hold_whatever_the_gates_say() -> None:
    model, groups, method = made(limits=Limits(keep_at_least={"ffn_unit": 3}, round_to=4), kept=0.7)
    train(model, method, range(1, 49))
    for group in groups:
        left = int(method.finish()[group.name].sum())
        assert left == group.units or left % 4 == 0
        assert group.granularity != "ffn_unit" or left >= 3


def test_gates_whose_gradient_overflowed_stay_where_they_are() -> None:
    model, _, method = made()
    before = method.openness
    method.begin(1)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, torch.inf)
    method.gather(1)
    assert all(torch.equal(p, before[site]) for site, p in method.openness.items())


def test_the_weights_train_without_the_gates_that_were_drawn() -> None:
    model, _, method = made()
    raw = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    method.begin(1)
    method.gather(1)
    assert all(torch.equal(tensor, raw[name]) for name, tensor in model.named_parameters())


def test_scores_gathered_before_the_start_spread_the_gates() -> None:
    model, groups, method = made(start=0.1, schedule=Linear(start=0.1, end=0.5), prior=1.5)
    twin = tiny.randomise(tiny.ctc(), 0).train()
    running, optimizer = RunningScores(1.0), torch.optim.SGD(twin.parameters(), lr=1e-3)
    for step in range(1, 7):
        optimizer.zero_grad()
        twin(**tiny.labelled(step)).loss.backward()
        running.add(unit_scores(twin, groups, Taylor()))
        optimizer.step()
    train(model, method, range(1, 7))
    even = {site: p.clone() for site, p in method.openness.items()}
    assert len({round(float(p), 9) for probabilities in even.values() for p in probabilities}) == 1
    method.begin(7)
    worth = torch.cat([running.scores[g.name] / method.budget.saved[g.name] for g in groups])
    spread = torch.cat([method.openness[g.name] for g in groups])
    inside = (spread > spread.min() + 1e-6) & (spread < spread.max() - 1e-6)  # the rest is at the bounds
    order = worth[inside].argsort()
    assert bool((spread[inside][order].diff() > 0).all())
    assert spread.max() - spread.min() > 0.1


def test_without_a_prior_gates_start_alike_whatever_was_seen() -> None:
    model, _, method = made(start=0.1, schedule=Linear(start=0.1, end=0.5), prior=0.0)
    train(model, method, range(1, 7))
    method.begin(7)
    assert len({float(p) for probabilities in method.openness.values() for p in probabilities}) == 1


def test_gates_on_blocks_are_learnt_and_settle_at_the_exact_target() -> None:
    model, groups, method = made(granularities=("block",), kept=0.7, gate_learning_rate=0.5)
    train(model, method, range(1, 48))
    assert any(len(set(p.tolist())) > 1 for p in method.openness.values())
    train(model, method, range(48, STEPS + 1))
    masks = method.finish()
    gone = sum(8 * int((~mask).sum()) for mask in masks.values())
    assert 0 <= gone - method.budget.removed < 8
    for group in groups:
        weight = model.get_parameter(group.slices[0].tensor)
        assert int((weight == 0).sum()) == 8 * int((~masks[group.name]).sum())


def test_blocks_that_were_zero_before_are_no_part_of_what_is_expected_to_stay() -> None:
    model = tiny.randomise(tiny.ctc(), 0).train()
    groups = find_groups(model, ["block"], block=tiny.BLOCK)
    before = tiny.random_masks(groups, 1, share=0.4)
    MaskState(model, groups).set(before)
    budget = budget_for(Target(params=0.8), model, groups)
    method = L0(budget=budget, schedule=Linear(start=0.0, end=0.3), start=0.0, end=0.8)
    method.prepare(model, groups, total_steps=STEPS)
    assert method.numbers["kept_expected"] == pytest.approx(1.0, abs=0.1)
    for steps in (range(1, 30), range(30, STEPS + 1)):
        train(model, method, steps)
        assert method.numbers["kept_expected"] == pytest.approx(0.8, abs=0.01)
        assert all(not bool(method.openness[site][~mask].any()) for site, mask in before.items())


def test_a_single_gate_starts_as_open_as_asked() -> None:
    model, groups, method = made(granularities=("module",), kept=0.99, start=0.1, schedule=Linear(start=0.1, end=0.5))
    alone = groups[:1]
    method.prepare(model, alone, total_steps=STEPS)
    train(model, method, range(1, 10))
    assert all(bool(p.isfinite().all()) for p in method.openness.values())
