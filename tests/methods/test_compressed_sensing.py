from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tiny
from secateur.allocation import Budget, GlobalRank, Uniform, parameters_saved
from secateur.criteria import Magnitude
from secateur.families import find_groups
from secateur.methods import SENSING, CompressedSensing, Scheduled
from secateur.methods.inputs import InputMeans, moments
from secateur.schedules import Linear
from secateur.training import keep, kept

STEPS = 20
SCHEDULE = {"schedule": Linear(start=0.2, end=0.8), "every": 2}
GRADUAL = {"use": "project", "shrink": 0.0, "reentry": False}


def prepared(method: Any, model: Any, granularity: str) -> tuple[Any, Any]:
    groups = find_groups(model, [granularity], block=tiny.BLOCK)
    method.prepare(model, groups, total_steps=STEPS)
    return model, method


def budget(model: Any, granularity: str, sparsity: float = 0.6) -> Budget:
    groups = find_groups(model, [granularity], block=tiny.BLOCK)
    saved = parameters_saved(groups, {name: tensor.shape for name, tensor in model.named_parameters()})
    whole = sum(saved[group.name] * group.units for group in groups)
    return Budget(unit="sparsity", whole=whole, kept=whole - round(sparsity * whole), saved=saved)


def made(
    operator: str = "identity", granularity: str = "element", *, sparsity: float = 0.6, seed: int = 0, **options: Any
) -> tuple[Any, CompressedSensing]:
    model = tiny.randomise(tiny.ctc(), seed).train()
    settings: Any = {"allocation": GlobalRank(), **SCHEDULE, **options}
    method = CompressedSensing(sensing=SENSING[operator](), budget=budget(model, granularity, sparsity), **settings)
    return prepared(method, model, granularity)


def train(model: Any, method: Any, steps: Any, *, lr: float = 1e-2) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in steps:
        optimizer.zero_grad()
        method.begin(step)
        torch.manual_seed(step)
        model(**tiny.labelled(step)).loss.backward()
        method.gather(step)
        optimizer.step()
        method.step(step)


def zeros(model: Any, method: CompressedSensing) -> int:
    return sum(int((model.get_parameter(tensor) == 0).sum()) for tensor in method._groups)


@pytest.mark.parametrize("granularity", ["element", "n_of_m", "block"])
def test_gradual_magnitude_pruning_falls_out_bit_for_bit(granularity: str) -> None:
    model, method = made(granularity=granularity, sparsity=0.4, **GRADUAL)
    twin = tiny.randomise(tiny.ctc(), 0).train()
    settings: Any = SCHEDULE
    gradual = Scheduled(
        criterion=Magnitude(), allocation=GlobalRank(), budget=budget(twin, granularity, 0.4), **settings
    )
    prepared(gradual, twin, granularity)
    for step in range(1, STEPS + 1):
        train(model, method, [step])
        train(twin, gradual, [step])
        for name, tensor in twin.state_dict().items():
            assert torch.equal(model.state_dict()[name], tensor), (step, name)
    for site, mask in gradual.finish().items():
        assert torch.equal(method.finish()[site], mask)


@pytest.mark.parametrize("operator", SENSING)
@pytest.mark.parametrize("granularity", ["element", "n_of_m", "block"])
def test_at_every_due_step_exactly_the_share_is_zero(operator: str, granularity: str) -> None:
    model, method = made(operator, granularity, sparsity=0.4)
    unit = max(method.budget.saved.values())
    shares = []
    for step in range(1, STEPS + 1):
        train(model, method, [step])
        if method._course.due(step):
            wanted = method._share * method.budget.removed
            assert wanted - unit <= zeros(model, method) <= wanted + unit
            shares.append(zeros(model, method))
    assert shares == sorted(shares)
    assert len(set(shares)) > 3
    masks = method.finish()
    assert method.at_target
    assert zeros(model, method) == sum(int((~mask).sum()) * method.budget.saved[s] for s, mask in masks.items())


def test_what_is_zero_may_come_back_until_the_support_is_frozen() -> None:
    model, method = made(use="project")
    seen: list[dict[str, Tensor]] = []
    for step in range(1, STEPS + 1):
        train(model, method, [step], lr=0.3)
        seen.append({site: mask.clone() for site, mask in method._state.masks.items()})
    back = sum(int((~before[s] & after[s]).sum()) for before, after in pairwise(seen) for s in before)
    assert back > 0
    assert all(torch.equal(seen[-1][site], seen[-4][site]) for site in seen[-1])  # steps 17 to 20: after the end


def test_without_reentry_what_left_stays_out() -> None:
    model, method = made(reentry=False)
    gone: dict[str, Tensor] = {}
    for step in range(1, STEPS + 1):
        train(model, method, [step], lr=0.3)
        for tensor in method._groups:
            zero = model.get_parameter(tensor) == 0
            assert not (gone.get(tensor, torch.zeros_like(zero)) & ~zero).any()
            gone[tensor] = zero


def test_between_due_steps_weights_go_a_part_of_the_way() -> None:
    model, method = made(use="pull", pull=0.25, every=4)
    train(model, method, range(1, 5))
    train(model, method, range(5, 9))  # step 8 is due, and beyond the schedule's start
    stand_ins = {name: tensor.clone() for name, tensor in method._stand_ins.items()}
    before = {name: model.get_parameter(name).detach().clone() for name in stand_ins}
    method.step(9)  # the optimizer has not moved
    for name, stand_in in stand_ins.items():
        expected = before[name] - 0.25 * (before[name] - stand_in)
        torch.testing.assert_close(model.get_parameter(name).detach(), expected)
    assert any(not torch.equal(before[name], stand_ins[name]) for name in stand_ins)


@pytest.mark.parametrize("reentry", [True, False])
def test_weights_are_drawn_whether_or_not_units_come_back(reentry: bool) -> None:
    model, method = made(use="pull", pull=0.5, every=4, reentry=reentry)
    train(model, method, range(1, 10))
    behind = {name: float((model.get_parameter(name) - z).detach().norm()) for name, z in method._stand_ins.items()}
    method.step(10)  # the optimizer has not moved
    for name, stand_in in method._stand_ins.items():
        assert float((model.get_parameter(name) - stand_in).detach().norm()) <= 0.5 * behind[name] + 1e-6


def test_a_checkpoint_before_the_first_solution_can_be_written(tmp_path: Path) -> None:
    model, method = made(every=5)
    train(model, method, [1])
    keep(tmp_path, "pruning", *method.state())
    _, other = made(every=5)
    other.restore(*kept(tmp_path, "pruning"))
    assert not other.at_target


def test_the_alternating_directions_of_a_matrix_by_hand() -> None:
    model = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[4.0, -3.0, 1.0, 0.5]]))
    settings: Any = {"schedule": Linear(start=0.0, end=0.9), "every": 1, "shrink": 0.0, "use": "pull"}
    method = CompressedSensing(
        sensing=SENSING["identity"](), allocation=Uniform(), dual=True, pull=0.5, budget=budget(model, "element", 0.5),
        **settings,
    )  # fmt: skip
    method.prepare(model, find_groups(model, ["element"]), total_steps=10)
    method._solve(9, share=0.999)
    assert method._stand_ins["weight"].tolist() == [[4.0, -3.0, 0.0, 0.0]]
    assert method._duals["weight"].tolist() == [[0.0, 0.0, 1.0, 0.5]]  # U = W + U - Z
    method._draw_near()  # W - (W + U - Z) / 2
    assert model.weight.tolist() == [[4.0, -3.0, 0.0, 0.0]]
    method._solve(9, share=0.999)
    assert method._duals["weight"].tolist() == [[0.0, 0.0, 1.0, 0.5]]
    method._duals["weight"][0, 0] = 7.0
    method.finish()
    assert model.weight.tolist() == [[4.0, -3.0, 0.0, 0.0]]  # its own on the support of W + U


def test_a_matrix_of_which_nothing_stays_is_named(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    with torch.no_grad():
        model[0].weight.mul_(1e-3)
    settings: Any = {"schedule": Linear(start=0.0, end=0.9), "every": 1, "budget": budget(model, "element", 0.5)}
    method = CompressedSensing(sensing=SENSING["identity"](), allocation=GlobalRank(), **settings)
    method.prepare(model, find_groups(model, ["element"]), total_steps=10)
    method.finish()
    assert "nothing stays of 0.weight" in caplog.text


def test_seen_through_the_inputs_a_stand_in_writes_nearer_to_the_weights_than_the_largest_of_them_do() -> None:
    errors = {}
    for operator in ("identity", "inputs"):
        model, method = made(operator, sparsity=0.7, use="project", schedule=Linear(start=0.0, end=0.9))
        before = {name: model.get_parameter(name).detach().clone() for name in method._groups}
        watch = InputMeans(model, method._groups, of=moments)
        method.begin(2)
        model(**tiny.labelled(0)).loss.backward()
        method.gather(2)
        seen = watch.take()
        method._solve(2, share=1.0)
        matrices = {n: m for n, m in seen.items() if before[n].dim() == 2 and len(m) == before[n].shape[1]}
        missing = {name: before[name] - model.get_parameter(name).detach() for name in matrices}
        errors[operator] = sum(
            float((missing[name].float() @ moment * missing[name]).sum() / moment.diagonal().mean())
            for name, moment in matrices.items()
        )
    assert errors["inputs"] < 0.8 * errors["identity"]


USES: list[dict[str, Any]] = [
    {},
    {"use": "project", "pull": 0.1},
    {"use": "pull", "pull": 0.1, "dual": True},
    {"reentry": False},
]


@pytest.mark.parametrize("options", USES, ids=str)
@pytest.mark.parametrize("operator", SENSING)
def test_a_resumed_run_goes_on_bit_for_bit(operator: str, options: dict[str, Any]) -> None:
    for stop in (7, 18):
        model, method = made(operator, **options)
        train(model, method, range(1, stop + 1))
        tensors, values = method.state()
        other, resumed = made(operator, seed=1, **options)
        other.load_state_dict(model.state_dict())
        resumed.restore({name: tensor.clone() for name, tensor in tensors.items()}, values)
        for one, its in ((model, method), (other, resumed)):
            train(one, its, range(stop + 1, STEPS + 1))
        for name, tensor in model.state_dict().items():
            assert torch.equal(other.state_dict()[name], tensor), name


def test_what_an_earlier_pruning_has_zeroed_stays_out() -> None:
    model = tiny.randomise(tiny.ctc(), 0).train()
    name = "encoder.layers.0.feed_forward1.linear1.weight"
    with torch.no_grad():
        model.get_parameter(name)[:, ::2] = 0.0
    settings: Any = {"allocation": GlobalRank(), **SCHEDULE}
    method = CompressedSensing(sensing=SENSING["inputs"](), budget=budget(model, "element"), **settings)
    prepared(method, model, "element")
    train(model, method, range(1, STEPS + 1), lr=0.3)
    assert not model.get_parameter(name)[:, ::2].any()


def test_recurrent_weights_and_filters_are_solved_for_too() -> None:
    model = tiny.Plain()
    settings: Any = {"allocation": GlobalRank(), "schedule": Linear(start=0.0, end=1.0)}
    method = CompressedSensing(sensing=SENSING["gaussian"](), budget=budget(model, "element"), **settings)
    prepared(method, model, "element")
    method._solve(STEPS, share=1.0)
    assert {tensor: tuple(model.get_parameter(tensor).shape) for tensor in method._groups}
    assert zeros(model, method) == method.budget.removed


def test_the_model_runs_on_the_support_and_the_weights_behind_it_train_on() -> None:
    model, method = made(every=4)
    train(model, method, range(1, 9))  # step 8 is due, and beyond the schedule's start
    shown = zeros(model, method)
    assert shown == sum(int((~mask).sum()) for mask in method._state.masks.values()) > 0
    behind = {name: tensor.clone() for name, tensor in method._behind.state().items()}
    assert sum(int((tensor == 0).sum()) for tensor in behind.values()) == 0
    method.begin(9)
    model(**tiny.labelled(9)).loss.backward()
    gradients = {name: model.get_parameter(name).grad for name in behind}
    method.gather(9)
    for name, tensor in behind.items():
        assert torch.equal(model.get_parameter(name), tensor)
        gone = ~method._state.masks[method._groups[name].name].view(tensor.shape)
        assert gradients[name][gone].any() or not gone.any()  # what is zero hears of it


def test_what_the_model_ran_on_is_what_is_frozen() -> None:
    model, method = made("inputs")
    train(model, method, range(1, 16))
    behind = {name: tensor.clone() for name, tensor in method._behind.state().items()}
    masks = method.finish()
    for name, tensor in behind.items():
        kept = masks[method._groups[name].name].view(tensor.shape)
        assert torch.equal(model.get_parameter(name), tensor * kept)


def test_of_two_weights_of_a_size_the_one_that_the_loss_is_steeper_in_stays() -> None:
    model = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -1.0, 1.0, 1.5]]))
    settings: Any = {"schedule": Linear(start=0.0, end=1.0), "every": 10, "allocation": Uniform()}
    method = CompressedSensing(sensing=SENSING["loss"](), budget=budget(model, "element", 0.5), **settings)
    method.prepare(model, find_groups(model, ["element"]), total_steps=10)
    for step in range(1, 4):
        method.begin(step)
        model.weight.grad = torch.tensor([[0.1, 0.4, -0.2, 0.05]]) * (-1) ** step
        method.gather(step)
    masks = method.finish()  # sqrt(E[g^2]) w^2: 0.1, 0.4, 0.2, 0.1125
    assert masks["weight:element"].tolist() == [False, True, True, False]
    assert model.weight.tolist() == [[0.0, -1.0, 1.0, 0.0]]
