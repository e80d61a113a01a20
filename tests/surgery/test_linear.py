import pytest
import torch
from torch import nn

from secateur.surgery.linear import refit


@pytest.mark.parametrize("shape", [(3, 5), (1, 5), (7, 1)])
def test_sizes_follow_the_weight(shape: tuple[int, int]) -> None:
    layer = nn.Linear(5, 7, bias=False)
    layer.weight = nn.Parameter(torch.zeros(shape))
    refit(layer)
    assert (layer.out_features, layer.in_features) == shape
    assert layer(torch.ones(2, shape[1])).shape == (2, shape[0])
