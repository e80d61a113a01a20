import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import Tensor

from secateur.group import Group, Runs, Slice
from secateur.methods.solve import largest_eigenvalue, proximal, solve


def elements(shape: tuple[int, ...], *, runs: Runs | None = None) -> Group:
    units = int(np.prod(shape))
    return Group(
        name="w:element", granularity="element", module="", units=units, slices=(Slice(tensor="w"),), runs=runs
    )


def tiles(shape: tuple[int, int], block: tuple[int, int]) -> Group:
    units = shape[0] * shape[1] // (block[0] * block[1])
    return Group(name="w:block", granularity="block", module="", units=units, slices=(Slice(tensor="w", block=block),))


def thresholded(values: Tensor, group: Group, leaving: int, *, shrink: float) -> Tensor:
    return proximal(values, group, shrink=shrink, leaving=leaving)[0]


def problem(outputs: int, inputs: int, *, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """A matrix, what its inputs are, and their moments."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(inputs, inputs, generator=generator, dtype=torch.float64) / inputs**0.5
    seen = torch.randn(200, inputs, generator=generator, dtype=torch.float64) @ mixing
    weight = torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)
    return weight, seen, seen.T @ seen / len(seen)


def test_with_an_l1_norm_it_is_the_lasso_of_scikit_learn() -> None:
    weight, seen, moments = problem(5, 12)
    price = 0.15
    rate = 1.0 / largest_eigenvalue(moments[None])[0]

    def prox(values: Tensor) -> Tensor:
        return values.sign() * (values.abs() - rate * price).clamp_min(0.0)

    found = solve(weight[None], moments[None], prox, iterations=2000)[0]
    wanted = Lasso(alpha=price, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(
        seen.numpy(), (seen @ weight.T).numpy()
    )
    np.testing.assert_allclose(found.numpy(), wanted.coef_, atol=1e-6)
    assert 0 < int((found == 0).sum()) < found.numel()


def test_with_the_number_of_zeros_given_it_is_the_lasso_at_the_price_that_makes_so_many() -> None:
    weight, seen, moments = problem(1, 12, seed=3)
    group = elements((1, 12))
    found = solve(
        weight[None], moments[None], lambda v: thresholded(v[0], group, 5, shrink=1.0)[None], iterations=5000
    )[0]
    assert int((found == 0).sum()) == 5
    error = (weight - found) @ moments  # on the support, the gradient is the price times the sign
    prices = (error / found.sign())[found != 0]
    price = float(prices.mean())
    assert prices.numpy() == pytest.approx(price, rel=1e-4)
    wanted = Lasso(alpha=price, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(
        seen.numpy(), (seen @ weight[0]).numpy()
    )
    np.testing.assert_allclose(found[0].numpy(), wanted.coef_, atol=1e-4)


def test_with_a_norm_over_tiles_the_conditions_of_the_group_lasso_hold() -> None:
    weight, _, moments = problem(4, 6, seed=5)
    group = tiles((4, 6), (2, 3))
    found = solve(
        weight[None], moments[None], lambda v: thresholded(v[0], group, 2, shrink=1.0)[None], iterations=5000
    )[0]
    error = (weight - found) @ moments
    prices: list[float] = []
    for row in (0, 2):
        for column in (0, 3):
            mine, gradient = found[row : row + 2, column : column + 3], error[row : row + 2, column : column + 3]
            if mine.any():
                prices.append(float(gradient.norm()))
                direction = mine / mine.norm()
                torch.testing.assert_close(gradient / gradient.norm(), direction, rtol=1e-3, atol=1e-3)
    assert len(prices) == 2
    assert prices[0] == pytest.approx(prices[1], rel=1e-3)


def test_on_a_support_it_is_least_squares() -> None:
    weight, seen, moments = problem(3, 8, seed=7)
    support = torch.rand(3, 8, generator=torch.Generator().manual_seed(1)) > 0.5
    found = solve(weight[None], moments[None], lambda values: values * support, iterations=5000)[0]
    for row in range(3):
        wanted = torch.linalg.lstsq(seen[:, support[row]], seen @ weight[row]).solution
        torch.testing.assert_close(found[row][support[row]], wanted, rtol=1e-5, atol=1e-6)
        assert not found[row][~support[row]].any()


def test_without_moments_one_step_is_exact() -> None:
    weight = torch.tensor([[[3.0, -1.0, 0.5, 2.0]]])
    group = elements((1, 4))
    found = solve(weight, None, lambda v: thresholded(v[0], group, 2, shrink=1.0)[None], iterations=0)
    torch.testing.assert_close(found, torch.tensor([[[2.0, 0.0, 0.0, 1.0]]]))
    assert int((found == 0).sum()) == 2


def test_several_matrices_are_solved_as_each_alone() -> None:
    first, second = problem(2, 6, seed=1), problem(2, 6, seed=2)
    group = elements((2, 6))

    def prox(values: Tensor) -> Tensor:
        return torch.stack([thresholded(value, group, 4, shrink=1.0) for value in values])

    together = solve(torch.stack([first[0], second[0]]), torch.stack([first[2], second[2]]), prox, iterations=200)
    for found, (weight, _, moments) in zip(together, (first, second), strict=True):
        torch.testing.assert_close(found, solve(weight[None], moments[None], prox, iterations=200)[0])


def test_of_neighbours_some_always_stay() -> None:
    group = elements((1, 8), runs=Runs(stay=2, of=4))
    values = torch.tensor([[0.1, 0.2, 0.3, 0.4, 5.0, 6.0, 7.0, 8.0]])
    found = thresholded(values, group, 4, shrink=1.0)
    assert (found != 0).tolist() == [[False, False, True, True, False, False, True, True]]
    assert found[0, 2:4].tolist() == pytest.approx([0.3, 0.4])  # free of the penalty: as they are
    assert found[0, 6:].tolist() == pytest.approx([7.0, 8.0])


def test_beyond_those_that_always_stay_neighbours_shrink() -> None:
    group = elements((1, 4), runs=Runs(stay=2, of=4))
    found = thresholded(torch.tensor([[1.0, 3.0, 4.0, 5.0]]), group, 1, shrink=1.0)
    assert found[0].tolist() == pytest.approx([0.0, 2.0, 4.0, 5.0])


@pytest.mark.parametrize("size", [1, 3, 40])
def test_the_bound_lies_above_the_largest_eigenvalue_and_near_it(size: int) -> None:
    moments = problem(1, size)[2]
    bound, largest = float(largest_eigenvalue(moments[None])[0]), float(torch.linalg.eigvalsh(moments)[-1])
    assert largest <= bound <= 1.1 * largest


@pytest.mark.parametrize("seed", range(8))
def test_of_few_random_measurements_too_the_bound_lies_above(seed: int) -> None:
    drawn = torch.randn(64, 128, generator=torch.Generator().manual_seed(seed)) / 8.0
    moments = drawn.T @ drawn
    bound, largest = float(largest_eigenvalue(moments[None])[0]), float(torch.linalg.eigvalsh(moments)[-1])
    assert largest <= bound <= 1.1 * largest


def test_it_is_fista_step_by_step() -> None:
    """A naive loop, matrix by matrix, from the weights on."""
    problems = [problem(4, 9, seed=seed) for seed in range(3)]
    weights, moments = (torch.stack([one[place] for one in problems]) for place in (0, 2))
    moments *= torch.tensor([1.0, 30.0, 1e-14], dtype=torch.float64)[:, None, None]
    largest = largest_eigenvalue(moments)
    found = solve(weights, moments, lambda v: v * (v.abs() > 0.3), iterations=7)
    for weight, seen, bound, ours in zip(weights, moments, largest, found, strict=True):
        now = ahead = weight
        pace = 1.0
        for _ in range(7):
            before, step = now, ahead - (ahead - weight) @ seen / bound
            now = step * (step.abs() > 0.3)
            faster = (1 + (1 + 4 * pace**2) ** 0.5) / 2
            ahead, pace = now + (pace - 1) / faster * (now - before), faster
        torch.testing.assert_close(ours, now)


@pytest.mark.parametrize("scale", [1e-14, 1.0, 1e6])
def test_the_largest_eigenvalue_is_bounded_from_above(scale: float) -> None:
    moments = torch.stack([problem(1, 20, seed=seed)[2] for seed in range(4)]) * scale
    exact = torch.linalg.eigvalsh(moments)[:, -1]
    found = largest_eigenvalue(moments)
    assert (found >= exact).all()
    assert (found <= 1.2 * exact).all()
