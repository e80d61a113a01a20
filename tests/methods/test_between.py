from typing import Any

import pytest
import torch
from torch import nn

import tiny
from secateur.allocation import GlobalRank
from secateur.criteria import Magnitude
from secateur.errors import WorkError
from secateur.families import find_groups
from secateur.jobs.budget import budget_for
from secateur.methods import Scheduled
from secateur.methods.between import Start, check_alive, penalize
from secateur.recipes import Target
from secateur.schedules import Linear


def pruned(steps: int = 4, **options: Any) -> tuple[nn.Module, Scheduled]:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, ["element"])
    budget = budget_for(Target(sparsity=0.5), model, groups)
    schedule = Linear(start=0.0, end=0.5)
    parts: dict[str, Any] = {"criterion": Magnitude(), "allocation": GlobalRank(), "schedule": schedule, **options}
    method = Scheduled(budget=budget, every=1, **parts)
    method.prepare(model, groups, total_steps=steps)
    return model, method


def test_a_penalty_is_the_gradient_of_the_sum_of_magnitudes() -> None:
    weight, still = nn.Parameter(torch.tensor([3.0, -0.5, 0.0])), nn.Parameter(torch.ones(2))
    (weight * torch.tensor([1.0, 2.0, 4.0])).sum().backward()
    penalize([weight, still], 0.5)
    assert weight.grad is not None
    assert weight.grad.tolist() == [1.5, 1.5, 4.0]
    assert still.grad is None


def test_a_penalty_is_on_what_may_leave_until_the_structure_is_final() -> None:
    model, method = pruned(l1=0.25)
    prunable = {group.slices[0].tensor for group in find_groups(model, ["element"])}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    method.gather(1)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        wanted = 0.25 * parameter.sign() if name in prunable else torch.zeros_like(parameter)
        assert torch.equal(parameter.grad, wanted), name
    method.finish()
    before = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    method.gather(4)
    after = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_penalty_that_drives_a_matrix_to_zero_is_named() -> None:
    model, method = pruned(l1=0.25)
    name = find_groups(model, ["element"])[0].slices[0].tensor
    with torch.no_grad():
        model.get_parameter(name).mul_(1e-9)
    with pytest.raises(WorkError, match=f"with 0.25 nothing stays of `{name}`; lower it"):
        method.finish()


def test_what_was_gone_before_is_no_fault_of_the_penalty() -> None:
    groups = find_groups(tiny.randomise(tiny.ctc(), 0), ["element"])
    gone = {group.name: torch.zeros(group.units, dtype=torch.bool) for group in groups}
    check_alive(groups, gone, gone, 1.0)


def test_units_that_leave_whole_may_leave_all() -> None:
    groups = find_groups(tiny.randomise(tiny.ctc(), 0), ["module"])
    there = {group.name: torch.ones(group.units, dtype=torch.bool) for group in groups}
    check_alive(groups, there, {name: ~mask for name, mask in there.items()}, 1.0)


def test_rewinding_puts_everything_back_buffers_too() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    first = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    start = Start(model)
    model(torch.randn(8, 2))
    with torch.no_grad():
        model[0].weight.add_(1.0)
    start.rewind()
    assert all(torch.equal(tensor, first[name]) for name, tensor in model.state_dict().items())


def test_after_every_cut_what_stays_is_as_it_was_at_the_start() -> None:
    model, method = pruned(rewind=True)
    first = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for step in (1, 2):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
        moved = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        method.step(step)
        now = model.state_dict()
        assert all(torch.equal(now[name], first[name]) for name in now if not now[name].eq(0).any())
        assert all(bool((now[name].eq(first[name]) | now[name].eq(0)).all()) for name in now)
        assert any(not torch.equal(moved[name], now[name]) for name in now)
    assert method.at_target
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    method.step(3)
    assert not any(torch.equal(model.get_parameter(name), first[name]) for name, _ in model.named_parameters())


def test_before_anything_leaves_nothing_goes_back() -> None:
    model, method = pruned(rewind=True, schedule=Linear(start=0.5, end=0.8), steps=10)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    moved = {name: tensor.clone() for name, tensor in model.named_parameters()}
    for step in range(1, 6):
        method.step(step)
    assert all(torch.equal(tensor, moved[name]) for name, tensor in model.named_parameters())
    method.step(6)
    assert not any(torch.equal(tensor, moved[name]) for name, tensor in model.named_parameters())


def test_what_is_cut_behind_the_last_step_keeps_its_training() -> None:
    model, method = pruned(rewind=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    moved = {name: tensor.clone() for name, tensor in model.named_parameters()}
    method.finish()
    assert method.at_target
    assert all(bool((tensor.eq(moved[name]) | tensor.eq(0)).all()) for name, tensor in model.named_parameters())
