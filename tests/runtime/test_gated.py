import numpy as np
import pytest
import torch
from torch.nn import functional

from secateur.runtime.gated import gated_filter


@pytest.mark.parametrize("places", [1, 3, 4, 9])
@pytest.mark.parametrize(("channels", "taps"), [(12, 5), (16, 1), (40, 9)])
def test_it_is_a_gate_a_filter_and_an_activation(places: int, channels: int, taps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(shape, generator=generator) for shape in ((2, places, 2 * channels), (taps, channels), (channels,))
    )
    lengths = np.array([places, places // 2])
    room = np.full((places + taps - 1, channels), np.nan, np.float32)
    out = np.empty((2, places, channels), np.float32)
    gated_filter(x.numpy(), lengths, weight.numpy(), bias.numpy(), room, out)
    gated = functional.glu(x, -1)
    gated[1, places // 2 :] = 0.0
    filtered = functional.conv1d(
        gated.transpose(1, 2), weight.T[:, None], bias, padding=taps // 2, groups=channels
    ).transpose(1, 2)
    torch.testing.assert_close(torch.from_numpy(out), functional.silu(filtered))
