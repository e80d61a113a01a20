import pytest
import torch
from torch import nn

from secateur.surgery.conv import refit


@pytest.mark.parametrize(
    ("layer", "weight", "sizes"),
    [
        (nn.Conv1d(6, 8, 1, bias=False), (5, 6, 1), (6, 5, 1)),
        (nn.Conv1d(6, 8, 1, bias=False), (8, 2, 1), (2, 8, 1)),
        (nn.Conv1d(6, 6, 3, groups=6, bias=False), (4, 1, 3), (4, 4, 4)),
        (nn.Conv1d(6, 6, 3, groups=6, bias=False), (1, 1, 3), (1, 1, 1)),
        (nn.Conv1d(1, 1, 3, bias=False), (1, 1, 3), (1, 1, 1)),
    ],
    ids=["fewer out", "fewer in", "depthwise", "depthwise to one", "one channel"],
)
def test_sizes_follow_the_weight_and_depthwise_stays_depthwise(layer, weight, sizes: tuple[int, int, int]) -> None:
    layer.weight = nn.Parameter(torch.zeros(weight))
    refit(layer)
    assert (layer.in_channels, layer.out_channels, layer.groups) == sizes
    assert layer(torch.ones(2, sizes[0], 9)).shape[:2] == (2, sizes[1])
