import pytest
import torch
from torch import Tensor

from secateur.criteria import Random


def draw(seed: int = 0, *, name: str = "w", shape: tuple[int, ...] = (4000,)) -> Tensor:
    return Random(seed=seed).elements(torch.zeros(shape), None, name=name)


@pytest.mark.parametrize(("seed", "name"), [(1, "w"), (0, "v")])
def test_another_seed_or_tensor_has_other_numbers(seed: int, name: str) -> None:
    assert not torch.equal(draw(), draw(seed, name=name))


def test_the_weights_do_not_matter() -> None:
    assert torch.equal(draw(shape=(7,)), Random().elements(torch.arange(7.0), torch.ones(7), name="w"))


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    draw()
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("size", [1, 2, 50])
def test_units_of_every_size_are_uniform(size: int) -> None:
    scores = Random().units(draw(shape=(4000, size)).sum(1))
    deciles = torch.histc(scores, bins=10, min=0.0, max=1.0)
    # 4000 draws in ten bins: mean 400, standard deviation sqrt(4000 * 0.1 * 0.9) = 19; five of them on both sides.
    assert bool(((deciles > 305) & (deciles < 495)).all())
