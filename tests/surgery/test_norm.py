import torch
from torch import nn

from secateur.surgery.norm import refit


def test_the_number_of_channels_follows_the_weight() -> None:
    norm = nn.BatchNorm1d(6).eval()
    norm.weight, norm.bias = nn.Parameter(torch.ones(4)), nn.Parameter(torch.zeros(4))
    norm.running_mean, norm.running_var = torch.zeros(4), torch.ones(4)
    refit(norm)
    assert norm.num_features == 4
    assert norm(torch.ones(2, 4, 3)).shape == (2, 4, 3)
