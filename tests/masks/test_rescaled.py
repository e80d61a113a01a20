import pytest
import torch
from torch import nn

from secateur.masks.rescaled import Rescaled


def backward(model: nn.Module) -> None:
    model(torch.ones(3, 4)).square().sum().backward()


@pytest.mark.parametrize("bias", [True, False])
def test_the_factor_is_what_gradients_were_multiplied_by_since_they_came(bias: bool) -> None:
    model = nn.Linear(4, 2, bias=bias)
    rescaled = Rescaled(model)
    rescaled.watch()
    for _ in range(2):
        backward(model)
    before = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    assert rescaled.factor() == pytest.approx(1.0)
    nn.utils.clip_grad_norm_(model.parameters(), float(nn.utils.get_total_norm(before)) / 8)
    assert rescaled.factor() == pytest.approx(1 / 8, rel=1e-4)


def test_without_gradients_it_is_one_and_nothing_is_left_on_the_model() -> None:
    model = nn.Linear(4, 2)
    rescaled = Rescaled(model)
    rescaled.watch()
    assert rescaled.factor() == 1.0
    rescaled.stop()
    backward(model)
    assert rescaled.factor() == 1.0
