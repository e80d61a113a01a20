import pytest
import torch

from secateur.criteria import Magnitude


@pytest.mark.parametrize(("weight", "score"), [(0.0, 0.0), (-3.0, 9.0), (0.5, 0.25)])
def test_a_weight_scores_its_square(weight: float, score: float) -> None:
    assert Magnitude().elements(torch.tensor([weight]), None, name="w").item() == score


def test_the_order_of_single_weights_is_that_of_their_size() -> None:
    weights = torch.randn(50, generator=torch.Generator().manual_seed(0))
    scores = Magnitude().units(Magnitude().elements(weights, None, name="w"))
    assert scores.argsort().tolist() == weights.abs().argsort().tolist()


def test_the_gradient_is_not_read() -> None:
    weights = torch.ones(3)
    assert Magnitude().elements(weights, torch.full((3,), torch.nan), name="w").tolist() == [1.0, 1.0, 1.0]
