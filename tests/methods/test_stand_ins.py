import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import nn

from secateur.families import find_groups
from secateur.families.any_module import weights
from secateur.methods.solve import proximal, solve
from secateur.methods.stand_ins import Aim, stand_ins


def wanted(seed: int, *, leaving: int, seen: bool) -> tuple[str, Aim]:
    torch.manual_seed(seed)
    layer = nn.Linear(6, 4, bias=False)
    group = weights(nn.ModuleDict({f"layer{seed}": layer}))[0]
    inputs = torch.randn(30, 6)
    moments = inputs.T @ inputs / 30 if seen else None
    return group.slices[0].tensor, Aim(group, layer, layer.weight.detach(), moments, leaving)


@pytest.mark.parametrize("largest", [1, 2 * (24 + 36), 1 << 26])
def test_together_they_are_what_each_is_alone(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.methods.stand_ins.LARGEST", largest)
    named = [wanted(seed, leaving=5 + seed, seen=seed != 2) for seed in range(4)]
    settings = {"iterations": 50, "shrink": 1.0, "debias": True}
    together = stand_ins([weight for _, weight in named], **settings)  # type: ignore[arg-type]
    for seed, (name, weight) in enumerate(named):
        alone = stand_ins([weight], **settings)[name]  # type: ignore[arg-type]
        torch.testing.assert_close(together[name], alone)
        assert int((alone == 0).sum()) == 5 + seed


def test_freed_of_the_shrinkage_the_error_is_smaller_on_the_same_support() -> None:
    name, weight = wanted(0, leaving=12, seen=True)
    shrunk, freed = (stand_ins([weight], iterations=300, shrink=1.0, debias=debias)[name] for debias in (False, True))
    assert torch.equal(shrunk == 0, freed == 0)
    errors = [
        float((((weight.values - found) @ weight.moments) * (weight.values - found)).sum()) for found in (shrunk, freed)
    ]
    assert errors[1] < 0.9 * errors[0]


@pytest.mark.parametrize("granularity", ["element", "n_of_m", "block"])
def test_what_is_freed_of_the_shrinkage_is_what_stayed(granularity: str) -> None:
    layer = nn.Linear(64, 48, bias=False)
    [group] = find_groups(layer, [granularity])
    seen = torch.randn(100, 64, generator=torch.Generator().manual_seed(0))
    aim = Aim(group, layer, layer.weight.detach(), seen.T @ seen / 100, group.units // 3)
    shrunk, freed = (stand_ins([aim], iterations=10, shrink=1.0, debias=debias)["weight"] for debias in (False, True))
    assert torch.equal(shrunk.ne(0), freed.ne(0))
    assert not torch.equal(shrunk, freed)


def test_without_moments_what_stays_is_the_weight_itself() -> None:
    name, weight = wanted(1, leaving=9, seen=False)
    found = stand_ins([weight], iterations=5, shrink=1.0, debias=True)[name]
    torch.testing.assert_close(found[found != 0], weight.values[found != 0])


@pytest.mark.parametrize("seed", range(3))
def test_of_neighbours_the_solver_finds_better_ones_than_the_largest(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(64, 64, bias=False)
    [group] = find_groups(layer, ["n_of_m"])
    weight = torch.randn(64, 64, generator=generator)
    mixing = torch.eye(64) + 0.15 * torch.randn(64, 64, generator=generator)
    inputs = torch.randn(300, 64, generator=generator) @ mixing
    moments = inputs.T @ inputs / 300
    largest = proximal(weight, group, shrink=0.0, leaving=2048)[0].ne(0)
    freed = solve(weight[None], moments[None], lambda near: near * largest, iterations=10)[0]
    found = stand_ins([Aim(group, layer, weight, moments, 2048)], iterations=10, shrink=1.0, debias=True)["weight"]
    assert int((found == 0).sum()) == 2048
    ours, theirs = (float((((near - weight) @ moments) * (near - weight)).sum()) for near in (found, freed))
    assert ours < theirs


@pytest.mark.parametrize("seed", range(3))
def test_ten_iterations_come_near_the_lasso_of_scikit_learn(seed: int) -> None:
    """As training solves, thresholds kept between the iterations 1, 2, 4, ...; of one row, whose price is one Lasso."""
    generator = torch.Generator().manual_seed(seed)
    seen = torch.randn(400, 48, generator=generator) @ (
        torch.eye(48) + torch.randn(48, 48, generator=generator) / 48**0.5
    )
    layer = nn.Linear(48, 1, bias=False)
    nn.init.normal_(layer.weight, generator=generator)
    [group] = weights(layer)
    exact, leaving = layer.weight.detach()[0].double().numpy(), 38
    aim = Aim(group, layer, layer.weight.detach(), seen.T @ seen / 400, leaving)
    found = stand_ins([aim], iterations=10, shrink=1.0, debias=True)["weight"][0].double().numpy()
    assert (found == 0).sum() == leaving
    inputs = seen.double().numpy()
    prices = np.geomspace(1e-3, 10.0, 400)  # the largest at which as many stay
    lassos = (Lasso(alpha=price, fit_intercept=False, max_iter=20_000).fit(inputs, inputs @ exact) for price in prices)
    support = next(lasso.coef_ != 0 for lasso in lassos if (lasso.coef_ == 0).sum() >= leaving)
    assert ((found != 0) & support).sum() >= 0.8 * (found != 0).sum()

    def error(values: np.ndarray) -> float:
        return float(np.square(inputs @ (exact - values)).sum())

    best = np.zeros(48)
    best[support] = np.linalg.lstsq(inputs[:, support], inputs @ exact, rcond=None)[0]
    assert error(found) <= 1.2 * error(best)
