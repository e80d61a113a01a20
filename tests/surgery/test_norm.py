import torch
from torch import nn

from secateur.surgery.norm import refit, refit_groups


def test_the_number_of_channels_follows_the_weight() -> None:
    norm = nn.BatchNorm1d(6).eval()
    norm.weight, norm.bias = nn.Parameter(torch.ones(4)), nn.Parameter(torch.zeros(4))
    norm.running_mean, norm.running_var = torch.zeros(4), torch.ones(4)
    refit(norm)
    assert norm.num_features == 4
    assert norm(torch.ones(2, 4, 3)).shape == (2, 4, 3)


def test_a_norm_of_single_channels_still_treats_each_by_itself() -> None:
    norm = nn.GroupNorm(6, 6)
    norm.weight, norm.bias = nn.Parameter(torch.ones(4)), nn.Parameter(torch.zeros(4))
    refit_groups(norm)
    assert (norm.num_channels, norm.num_groups) == (4, 4)
    alone = norm(torch.arange(24.0).reshape(1, 4, 6))
    torch.testing.assert_close(alone[0, 0], alone[0, 3], atol=1e-4, rtol=1e-4)
