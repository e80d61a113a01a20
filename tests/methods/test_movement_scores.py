import pytest
import torch
from torch import Tensor

from secateur.criteria import Movement
from secateur.group import Group
from secateur.methods.movement_scores import MovementScores

GROUPS = [Group(name=name, granularity="ffn_unit", module=name, units=n, slices=()) for name, n in (("a", 3), ("b", 2))]


def scores(**options: object) -> MovementScores:
    return MovementScores(Movement(**options), GROUPS, device=torch.device("cpu"), dtype=torch.float64)


def gradients(*, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {g.name: torch.randn(g.units, generator=generator, dtype=torch.float64) for g in GROUPS}


def test_hard_scores_are_the_sum_of_what_gradients_said() -> None:
    found = scores()
    for seed in range(3):
        found.add(gradients(seed=seed), share=0.5)
    for group in GROUPS:
        expected = -sum(gradients(seed=seed)[group.name] for seed in range(3))
        torch.testing.assert_close(found.by_site[group.name], expected)


def test_soft_scores_first_step_is_as_large_as_the_learning_rate_against_the_gradient() -> None:
    found = scores(kind="soft", learning_rate=0.25, penalty=0.0)
    found.add(gradients(), share=1.0)
    for group in GROUPS:
        torch.testing.assert_close(found.by_site[group.name], -0.25 * gradients()[group.name].sign(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_penalty_is_that_of_the_mean_openness_and_grows_with_the_schedule(share: float) -> None:
    """The whole of soft scores, against autograd and another Adam: lambda share mean sigma(S) + S dL/dz."""
    found = scores(kind="soft", learning_rate=0.1, penalty=7.0)
    own = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([own], lr=0.1)
    for seed in range(4):
        found.add(gradients(seed=seed), share=share)
        adam.zero_grad()
        seen = torch.cat([gradients(seed=seed)[group.name] for group in GROUPS])
        (share * 7.0 * own.sigmoid().mean() + (own * seen).sum()).backward()
        adam.step()
    torch.testing.assert_close(torch.cat([found.by_site[group.name] for group in GROUPS]), own.detach())


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_state_goes_on_where_it_was(kind: str) -> None:
    straight, broken, resumed = (scores(kind=kind) for _ in range(3))
    for seed in range(4):
        straight.add(gradients(seed=seed), share=0.5)
    for seed in range(2):
        broken.add(gradients(seed=seed), share=0.5)
    resumed.load({name: tensor.clone() for name, tensor in broken.state().items()})
    for seed in range(2, 4):
        resumed.add(gradients(seed=seed), share=0.5)
    assert all(torch.equal(resumed.by_site[site], score) for site, score in straight.by_site.items())


def test_scores_are_as_fine_as_asked_whatever_gradients_are() -> None:
    found = MovementScores(Movement(), GROUPS, device=torch.device("cpu"), dtype=torch.float32)
    found.add({site: seen.bfloat16() for site, seen in gradients().items()}, share=0.0)
    assert all(score.dtype == torch.float32 for score in found.by_site.values())
