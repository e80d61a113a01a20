import pytest
import torch

from secateur.methods.lagrangian import Lagrangian


def test_the_penalty_is_linear_and_quadratic_in_the_excess() -> None:
    lagrangian = Lagrangian(penalty=20.0, learning_rate=1.0)
    lagrangian.multiplier = 2.0
    assert lagrangian(torch.tensor(0.5, dtype=torch.float64)).item() == 2 * 0.5 + 10 * 0.25


def test_the_multiplier_sums_up_the_excess() -> None:
    lagrangian = Lagrangian(penalty=20.0, learning_rate=3.0)
    assert lagrangian.multiplier == 0
    for excess in (0.5, 0.25, -0.5):
        lagrangian.ascend(excess)
    assert lagrangian.multiplier == pytest.approx(3 * (0.5 + 0.25 - 0.5))
    lagrangian.ascend(-1.0)
    assert lagrangian.multiplier == 0


def test_at_rest_the_excess_is_gone_and_the_multiplier_is_the_price_of_size() -> None:
    """Minimize (x - 3)^2 / 2 subject to x = 1: the price is 2."""
    lagrangian, x = Lagrangian(penalty=5.0, learning_rate=0.5), torch.tensor(3.0, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        ((x - 3) ** 2 / 2 + lagrangian(x - 1)).backward()
        optimizer.step()
        lagrangian.ascend(float(x.detach() - 1))
    assert x.item() == pytest.approx(1.0, abs=1e-4)
    assert lagrangian.multiplier == pytest.approx(2.0, abs=1e-3)


def test_a_bound_that_holds_costs_nothing() -> None:
    bound = Lagrangian(penalty=20.0, learning_rate=1.0)
    bound.ascend(-0.3)
    assert bound.multiplier == 0
    assert bound(torch.tensor(-0.3)).item() == 0
    bound.ascend(0.2)
    assert bound(torch.tensor(0.1, dtype=torch.float64)).item() == pytest.approx(0.2 * 0.1 + 10 * 0.01)
