import torch

from secateur.distill import Projection


def learn(projection: Projection, steps: int, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        hidden = torch.randn(4, 3, generator=generator)
        (projection(hidden) - 2 * hidden).square().mean().backward()
        projection.step()


def projection() -> Projection:
    return Projection(3, learning_rate=0.1, device=torch.device("cpu"))


def test_it_starts_as_the_identity() -> None:
    hidden = torch.randn(2, 5, 3)
    assert torch.equal(projection()(hidden), hidden)


def test_it_learns() -> None:
    made = projection()
    learn(made, 100)
    torch.testing.assert_close(made.weight.detach(), 2 * torch.eye(3), atol=0.2, rtol=0)


def test_a_state_goes_on_where_it_was_taken() -> None:
    straight, first, second = projection(), projection(), projection()
    learn(straight, 3)
    learn(straight, 2, seed=1)
    learn(first, 3)
    second.load(first.state())
    learn(second, 2, seed=1)
    assert torch.equal(straight.weight, second.weight)
    assert torch.equal(straight.bias, second.bias)


def test_a_step_whose_gradient_overflowed_is_left_out() -> None:
    made = projection()
    (made(torch.ones(1, 3)) * torch.inf).sum().backward()
    made.step()
    assert torch.equal(made.weight.detach(), torch.eye(3))


def test_it_speaks_the_precision_of_what_it_maps() -> None:
    assert projection()(torch.ones(1, 3, dtype=torch.float64)).dtype == torch.float64
