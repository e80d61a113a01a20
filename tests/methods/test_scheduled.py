import pytest
import torch
from torch import nn

import tiny
from secateur.allocation import Budget, GlobalRank, parameters_saved
from secateur.criteria import Magnitude, Taylor
from secateur.families import find_groups
from secateur.methods import Limits, Scheduled
from secateur.schedules import Linear, OneShot


def scheduled(granularities=("ffn_unit",), *, removed: float = 0.5, schedule=None, criterion=None, **options) -> tuple:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, granularities)
    saved = parameters_saved(groups, {name: tensor.shape for name, tensor in model.named_parameters()})
    whole = sum(saved[group.name] * group.units for group in groups)
    method = Scheduled(
        criterion=criterion or Magnitude(),
        allocation=GlobalRank(),
        schedule=schedule or Linear(start=0.0, end=1.0),
        budget=Budget(unit="params", whole=whole, kept=whole - removed * whole, saved=saved),
        **options,
    )
    return model, groups, method


def kept(method: Scheduled) -> int:
    tensors, _ = method.state()
    return sum(int(mask.sum()) for name, mask in tensors.items() if name.startswith("mask/"))


def test_units_leave_as_the_schedule_says() -> None:
    model, groups, method = scheduled(every=1)
    method.prepare(model, groups, total_steps=4)
    reached = []
    for step in range(1, 5):
        method.step(step)
        reached.append(kept(method))
    whole = 4 * tiny.UNITS
    assert reached == [whole - 5, whole - 10, whole - 15, whole - 20]
    assert method.at_target


def test_the_weakest_units_of_all_sites_leave() -> None:
    model, groups, method = scheduled(schedule=OneShot())
    energy = {}
    for group in groups:
        module = model.get_submodule(group.module)
        first, last = module.linear1, module.linear2
        energy[group.name] = first.weight.square().sum(1) + first.bias.square() + last.weight.square().sum(0)
    threshold = torch.cat(list(energy.values())).sort().values[2 * tiny.UNITS]
    method.prepare(model, groups, total_steps=0)
    masks = method.finish()
    assert all(torch.equal(masks[site], energy[site] >= threshold) for site in masks)


def test_numbers_are_shares_kept_of_the_whole() -> None:
    model, groups, method = scheduled(every=1)
    method.prepare(model, groups, total_steps=4)
    assert method.numbers == {"kept_wanted": 1.0, "kept_reached": 1.0}
    method.step(1)
    assert method.numbers == pytest.approx({"kept_wanted": 0.875, "kept_reached": 0.875})


def test_what_is_inside_of_a_module_that_left_is_not_counted_twice() -> None:
    model, groups, method = scheduled(tiny.STRUCTURED, removed=0.3)
    method.budget = Budget(unit="params", whole=6000.0, kept=2000.0, saved=method.budget.saved)
    method.prepare(model, groups, total_steps=0)
    masks = method.finish()
    assert not all(bool(masks[group.name].all()) for group in groups if group.granularity == "module")
    reached = 1 - tiny.saved_by(groups, method.budget.saved, masks) / 6000
    assert method.numbers["kept_reached"] == pytest.approx(reached)


@pytest.mark.parametrize(("criterion", "count"), [(Taylor(), 2), (Magnitude(), 0)])
def test_only_data_driven_scores_are_averaged_over_steps(criterion, count: int) -> None:
    model, groups, method = scheduled(criterion=criterion, every=2)
    assert method.needs_batches is (count > 0)
    method.prepare(model, groups, total_steps=4)
    model(**tiny.labelled()).loss.backward()
    for step in (1, 2):
        method.step(step)
    assert method.state()[1]["scores"]["count"] == count


def test_scores_that_were_observed_before_a_cut_are_used() -> None:
    model, groups, method = scheduled(criterion=Taylor(), schedule=OneShot())
    method.prepare(model, groups, total_steps=0)
    method.observe()  # no gradients: all scores are zero, and ties go by index
    model(**tiny.labelled()).loss.backward()
    method.cut(1.0)
    assert [mask.tolist() for mask in method.finish().values()] == [
        [False] * 9 + [True],
        [False] * 9 + [True],
        [False] * 2 + [True] * 8,
        [True] * 10,
    ]


@pytest.mark.parametrize(
    ("schedule", "starts_cut"), [(OneShot(), True), (Linear(start=0.0, end=0.0), True), (Linear(), False)]
)
def test_a_schedule_that_is_due_at_once_starts_cut(schedule, starts_cut: bool) -> None:
    assert scheduled(schedule=schedule)[2].starts_cut is starts_cut


def test_by_default_the_schedule_is_walked_in_about_a_hundred_cuts() -> None:
    model, groups, method = scheduled(schedule=Linear(start=0.0, end=0.5), removed=0.9)
    method.prepare(model, groups, total_steps=2000)
    cuts = []
    for step in range(1, 2001):
        before = method.numbers["kept_wanted"]
        method.step(step)
        cuts += [step] if method.numbers["kept_wanted"] != before else []
    assert cuts == list(range(10, 1001, 10))


def test_before_the_optimizer_has_moved_nothing_happens() -> None:
    model, groups, method = scheduled()
    method.prepare(model, groups, total_steps=4)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    method.begin(1)
    method.gather(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_number_kept_is_a_multiple_and_at_least_the_minimum() -> None:
    limits = Limits(keep_at_least={"ffn_unit": 3, "head": 2}, round_to=4)
    model, groups, method = scheduled(("ffn_unit", "head"), removed=0.4, limits=limits)
    method.prepare(model, groups, total_steps=0)
    for group in groups:
        left = int(method.finish()[group.name].sum())
        assert left >= {"ffn_unit": 3, "head": 2}[group.granularity]
        assert left == group.units or group.granularity == "head" or left % 4 == 0


def test_steps_that_overflow_neither_count_nor_choose() -> None:
    model, groups, method = scheduled(criterion=Taylor(), schedule=Linear(start=0.0, end=0.5), every=1)
    method.prepare(model.train(), groups, total_steps=6)
    whole = kept(method)
    for step, factor in enumerate((float("nan"), float("inf"), 1.0), start=1):
        model.zero_grad()
        (factor * model(**tiny.labelled(step)).loss).backward()
        method.begin(step)
        method.gather(step)
        method.step(step)
        assert (kept(method) < whole) is (step == 3)  # what was due before is made up for


def test_layers_that_a_step_passes_over_wait_and_are_averaged_by_themselves() -> None:
    model = tiny.randomise(tiny.wav2vec2_conformer(layers=4, layerdrop=0.0), 0).train()
    groups = find_groups(model, ["ffn_unit"])
    saved = parameters_saved(groups, {name: tensor.shape for name, tensor in model.named_parameters()})
    whole = sum(saved[group.name] * group.units for group in groups)
    method = Scheduled(
        criterion=Taylor(),
        allocation=GlobalRank(),
        schedule=Linear(start=0.0, end=1.0),
        budget=Budget(unit="params", whole=whole, kept=0.5 * whole, saved=saved),
        every=1,
    )
    method.prepare(model, groups, total_steps=10)
    late = {group.name for group in groups if ".layers.3." in group.name}
    for step, skipped in ((1, True), (2, False)):
        model.zero_grad()
        model(**tiny.labelled_for(model, step)).loss.backward()
        for parameter in model.wav2vec2_conformer.encoder.layers[3].parameters():
            parameter.grad = None if skipped else parameter.grad
        method.gather(step)
        method.step(step)
        masks = {name.removeprefix("mask/"): mask for name, mask in method.state()[0].items() if "mask/" in name}
        assert not skipped or all(bool(masks[site].all()) for site in late)
    values = method.state()[1]["scores"]
    assert {values["seen"][site] for site in late} == {1}
    assert {values["seen"][group.name] for group in groups if group.name not in late} == {2}


def test_a_site_that_nothing_ever_calls_leaves_first() -> None:
    model, groups, method = scheduled(criterion=Taylor(), schedule=OneShot(), removed=0.1)
    method.prepare(model, groups, total_steps=0)
    model(**tiny.labelled()).loss.backward()
    for parameter in model.get_submodule(groups[2].module).parameters():
        parameter.grad = None
    method.observe()
    masks = method.finish()
    assert {site for site, mask in masks.items() if not mask.all()} == {groups[2].name}


def test_matrices_of_which_nothing_stays_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    with torch.no_grad():
        model[0].weight.mul_(1e-3)
    groups = find_groups(model, ["element"])
    saved = {group.name: 1.0 for group in groups}
    method = Scheduled(
        criterion=Magnitude(),
        allocation=GlobalRank(),
        schedule=Linear(start=0.0, end=1.0),
        budget=Budget(unit="sparsity", whole=32, kept=12, saved=saved),
        every=1,
    )
    method.prepare(model, groups, total_steps=5)
    for step in range(1, 6):
        method.step(step)
    assert caplog.text.count("nothing stays of 0.weight; share the zeros out by `allocation: uniform`") == 1
