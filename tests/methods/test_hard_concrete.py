import math

import pytest
import torch

from secateur.methods import hard_concrete

DRAWS = 200_000


def drawn(log_alpha: float, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return hard_concrete.draw(torch.full((DRAWS,), log_alpha, dtype=torch.float64), generator)


@pytest.mark.parametrize("log_alpha", [-4.0, -1.0, 0.0, 1.0, 4.0])
def test_gates_are_open_as_often_as_their_probability_says(log_alpha: float) -> None:
    expected = hard_concrete.openness(torch.tensor(log_alpha, dtype=torch.float64)).item()
    share = drawn(log_alpha).gt(0).double().mean().item()
    assert share == pytest.approx(expected, abs=5 * math.sqrt(expected * (1 - expected) / DRAWS))


@pytest.mark.parametrize("log_alpha", [-1.0, 0.0, 1.0])
def test_gates_are_exactly_one_as_often_as_the_mirrored_gate_is_zero(log_alpha: float) -> None:
    ones = drawn(log_alpha).eq(1).double().mean().item()
    closed = 1 - hard_concrete.openness(torch.tensor(-log_alpha, dtype=torch.float64)).item()
    assert ones == pytest.approx(closed, abs=0.01)


def test_draws_lie_in_the_unit_interval_and_hang_on_the_generator_alone() -> None:
    one, same, other = drawn(0.3), drawn(0.3), drawn(0.3, seed=1)
    assert one.min() == 0
    assert one.max() == 1
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_draw_is_differentiated_where_it_is_not_cut_off() -> None:
    log_alpha = torch.zeros(1000, dtype=torch.float64, requires_grad=True)
    gates = hard_concrete.draw(log_alpha, torch.Generator().manual_seed(0))
    gates.sum().backward()
    assert log_alpha.grad is not None
    between = (gates > 0) & (gates < 1)
    share = (gates - hard_concrete.LOW) / (hard_concrete.HIGH - hard_concrete.LOW)
    slope = (hard_concrete.HIGH - hard_concrete.LOW) * share * (1 - share) / hard_concrete.TEMPERATURE
    torch.testing.assert_close(log_alpha.grad[between], slope.detach()[between])
    assert log_alpha.grad[~between].eq(0).all()


@pytest.mark.parametrize("probability", [0.01, 0.5, 0.99])
def test_a_gate_starts_at_the_logit_of_its_probability(probability: float) -> None:
    assert 1 / (1 + math.exp(-hard_concrete.start(probability))) == pytest.approx(probability)
