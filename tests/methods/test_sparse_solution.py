from typing import Any

import pytest
import torch
from torch import Tensor, nn

from secateur.allocation import Budget, GlobalRank, Uniform
from secateur.families import find_groups
from secateur.families.any_module import weights
from secateur.methods.limits import Limits
from secateur.methods.sensing import SENSING, Sensing
from secateur.methods.sparse_solution import SparseSolver, Weight, comparable


class Steep(Sensing):
    """The loss is steeper in the first row of every weight."""

    def metric(self, tensor: str) -> Tensor:
        return torch.tensor([[100.0], [1.0]]).expand(2, 3)


def wanted(*values: Tensor, leave_first: int = 0) -> dict[str, Weight]:
    layers = nn.ModuleDict({f"layer{i}": nn.Linear(3, 2, bias=False) for i in range(len(values))})
    found = {}
    for group, held in zip(weights(layers), values, strict=True):
        may_stay = torch.arange(group.units) >= leave_first
        found[group.slices[0].tensor] = Weight(group, layers.get_submodule(group.module), held, may_stay)
    return found


def solver(asked: dict[str, Weight], *, gone: int, sensing: Sensing | None = None, **options: Any) -> SparseSolver:
    saved = {weight.group.name: 1.0 for weight in asked.values()}
    whole = sum(weight.group.units for weight in asked.values())
    settings: Any = {"allocation": GlobalRank(), "iterations": 5, "shrink": 0.0, "debias": False, **options}
    budget = Budget(unit="sparsity", whole=whole, kept=whole - gone, saved=saved)
    return SparseSolver(sensing=sensing or SENSING["identity"](), budget=budget, limits=Limits(), **settings)


SMALL, LARGE = torch.tensor([[1.0, -2.0, 3.0], [4.0, -5.0, 6.0]]), torch.tensor([[7.0, 8.0, 2.5], [9.0, -0.5, 10.0]])


def test_the_smallest_of_all_weights_leave_and_the_others_are_what_they_were() -> None:
    asked = wanted(SMALL, LARGE)
    found = solver(asked, gone=5).solve(asked, step=1, share=1.0)
    one, other = found.stand_ins.values()
    assert one.tolist() == [[0.0, 0.0, 0.0], [4.0, -5.0, 6.0]]
    assert other.tolist() == [[7.0, 8.0, 0.0], [9.0, 0.0, 10.0]]
    for weight, stand_in in zip(asked.values(), found.stand_ins.values(), strict=True):
        assert found.masks[weight.group.name].tolist() == stand_in.flatten().ne(0).tolist()
    assert not found.prices


def test_on_the_way_only_a_share_of_it_leaves_and_an_allocation_says_from_where() -> None:
    asked = wanted(SMALL, LARGE)
    found = solver(asked, gone=8, allocation=Uniform()).solve(asked, step=1, share=0.5)
    assert [int((stand_in == 0).sum()) for stand_in in found.stand_ins.values()] == [2, 2]


def test_what_may_not_stay_leaves_first_however_large() -> None:
    asked = wanted(SMALL.flip(0), leave_first=2)
    found = solver(asked, gone=3).solve(asked, step=1, share=1.0)
    assert next(iter(found.stand_ins.values())).tolist() == [[0.0, 0.0, 6.0], [0.0, -2.0, 3.0]]


@pytest.mark.parametrize("operator", SENSING)
@pytest.mark.parametrize("debias", [True, False])
def test_neighbours_of_which_more_have_left_than_may_lose_no_other(operator: str, debias: bool) -> None:
    layer = nn.Linear(8, 2, bias=False)
    [group] = find_groups(layer, ["n_of_m"])
    values = torch.arange(1.0, 17.0).reshape(2, 8)
    may_stay = torch.tensor([False, False, False, True] * 3 + [True] * 4)
    asked = {"weight": Weight(group, layer, values, may_stay)}
    sensing = SENSING[operator]()
    found = solver(asked, gone=10, sensing=sensing, shrink=1.0, debias=debias).solve(asked, step=1, share=1.0)
    stays = found.masks[group.name].reshape(4, 4)
    assert stays[:3].tolist() == [[False, False, False, True]] * 3
    assert int(stays[3].sum()) == 3
    assert torch.equal(found.stand_ins["weight"].reshape(4, 4).ne(0), stays)


def test_a_metric_makes_dear_what_the_loss_is_steep_in() -> None:
    asked = wanted(SMALL)
    found = solver(asked, gone=3, sensing=Steep(), shrink=1.0, debias=True).solve(asked, step=1, share=1.0)
    torch.testing.assert_close(next(iter(found.stand_ins.values())), torch.tensor([[1.0, -2.0, 3.0], [0.0, 0.0, 0.0]]))


@pytest.mark.parametrize("shrink", [0.0, 1.0])
@pytest.mark.parametrize("debias", [False, True])
def test_of_equal_weights_exactly_as_many_leave_as_are_to(shrink: float, debias: bool) -> None:
    asked = wanted(torch.ones(2, 3), torch.ones(2, 3))
    found = solver(asked, gone=7, shrink=shrink, debias=debias).solve(asked, step=1, share=1.0)
    assert [mask.tolist() for mask in found.masks.values()] == [[False] * 6, [False] + [True] * 5]
    assert [stand_in.ne(0).flatten().tolist() for stand_in in found.stand_ins.values()] == [
        mask.tolist() for mask in found.masks.values()
    ]


@pytest.mark.parametrize("shrink", [0.0, 1.0])
def test_of_weights_like_the_last_that_leaves_those_that_stay_are_before_smaller_ones(shrink: float) -> None:
    asked = wanted(torch.tensor([[2.0, 2.0, 1.0], [3.0, 4.0, 5.0]]))
    found = solver(asked, gone=2, shrink=shrink, debias=True).solve(asked, step=1, share=1.0)
    assert next(iter(found.stand_ins.values())).tolist() == [[0.0, 2.0, 0.0], [3.0, 4.0, 5.0]]


def test_the_operators_diagonal_is_the_price_of_what_is_drawn() -> None:
    asked = wanted(SMALL, LARGE)
    found = solver(asked, gone=5, sensing=SENSING["gaussian"]()).solve(asked, step=1, share=1.0)
    for price in found.prices.values():
        assert price.shape == (2, 3)
        assert float(price.max()) == 1.0
        assert torch.equal(price[0], price[1])


def recurrent() -> dict[str, Weight]:
    layers = nn.ModuleDict({"lstm": nn.LSTM(2, 1), "head": nn.Linear(2, 1, bias=False)})
    found = {}
    for group in weights(layers):
        tensor, may_stay = group.slices[0].tensor, torch.ones(group.units, dtype=torch.bool)
        found[tensor] = Weight(group, layers.get_submodule(group.module), layers.get_parameter(tensor), may_stay)
    return found


def test_rows_of_recurrent_layers_cost_alike_however_flat_the_loss_is_in_their_gates() -> None:
    asked = recurrent()
    metrics: dict[str, Tensor | None] = {tensor: torch.ones_like(weight.values) for tensor, weight in asked.items()}
    metrics["lstm.weight_ih_l0"] = torch.tensor([[1.0, 3.0], [1e-6, 3e-6], [0.0, 0.0], [2.0, 2.0]])
    found = comparable(metrics, asked)
    mean = (8.0 + 4e-6 + 4.0 + 2.0) / 14
    wanted = torch.tensor([[0.5, 1.5], [0.5, 1.5], [1.0, 1.0], [1.0, 1.0]]) * mean
    torch.testing.assert_close(found["lstm.weight_ih_l0"], wanted)
    assert torch.equal(found["head.weight"], torch.ones(1, 2))


@pytest.mark.parametrize(("level", "means"), [(0.0, (1.0, 4.0)), (0.5, (2.5**0.5, 10**0.5)), (1.0, (2.5, 2.5))])
def test_a_metric_can_be_levelled_between_weights(level: float, means: tuple[float, float]) -> None:
    asked = wanted(SMALL, LARGE)
    metrics: dict[str, Tensor | None] = {
        tensor: mean * torch.tensor([[0.5, 1.0, 1.5], [1.5, 1.0, 0.5]])
        for tensor, mean in zip(asked, (1.0, 4.0), strict=True)
    }
    found = comparable(metrics, asked, level=level)
    assert [float(one.mean()) for one in found.values()] == pytest.approx(means)
    assert [float(one[0, 0] / one[0, 2]) for one in found.values()] == pytest.approx([1 / 3, 1 / 3])
    zero = comparable({tensor: torch.zeros(2, 3) for tensor in asked}, asked, level=level)
    assert all(torch.equal(one, torch.zeros(2, 3)) for one in zero.values())


def test_weights_without_gradients_cost_what_the_others_cost_in_the_mean() -> None:
    asked = wanted(SMALL, LARGE)
    one, other = asked
    found = comparable({one: torch.full((2, 3), 4.0), other: None}, asked)
    assert torch.equal(found[other], torch.full((2, 3), 4.0))
    assert not comparable({one: None, other: None}, asked)
