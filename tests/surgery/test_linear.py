import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.surgery.linear import refit, refit_transposed


@pytest.mark.parametrize("shape", [(3, 5), (1, 5), (7, 1)])
def test_sizes_follow_the_weight(shape: tuple[int, int]) -> None:
    layer = nn.Linear(5, 7, bias=False)
    layer.weight = nn.Parameter(torch.zeros(shape))
    refit(layer)
    assert (layer.out_features, layer.in_features) == shape
    assert layer(torch.ones(2, shape[1])).shape == (2, shape[0])


@pytest.mark.parametrize("shape", [(5, 3), (5, 1), (1, 7)])
def test_sizes_follow_a_transposed_weight(shape: tuple[int, int]) -> None:
    layer = Conv1D(7, 5)
    layer.weight, layer.bias = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape[1]))
    refit_transposed(layer)
    assert (layer.nx, layer.nf) == shape
    assert layer(torch.ones(2, shape[0])).shape == (2, shape[1])
