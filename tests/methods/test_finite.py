import pytest
import torch

from secateur.methods import finite_gradients


@pytest.mark.parametrize("odd", [float("inf"), float("nan")])
def test_gradients_that_overflowed_are_seen(odd: float) -> None:
    model = torch.nn.Linear(2, 1)
    assert finite_gradients(model.parameters())
    model.weight.grad = torch.tensor([[1.0, 2.0]])
    assert finite_gradients(model.parameters())
    model.weight.grad = torch.tensor([[1.0, odd]])
    assert not finite_gradients(model.parameters())
