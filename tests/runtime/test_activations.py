import numpy as np
import pytest
import torch
from torch.nn import functional

from secateur.runtime.activations import silu_in_place


@pytest.mark.parametrize("count", [1, 15, 16, 33, 4096])
def test_silu_is_right_to_the_last_bits(count: int) -> None:
    x = torch.randn(count, generator=torch.Generator().manual_seed(0)) * 20
    found = x.numpy().copy()
    silu_in_place(found)
    torch.testing.assert_close(torch.from_numpy(found).double(), functional.silu(x.double()), rtol=5e-7, atol=1e-30)


def test_ends_of_the_range_are_zero_or_as_they_were_and_what_is_not_a_number_stays_so() -> None:
    x = np.array([-3e38, -200.0, 0.0, 200.0, 3e38, np.inf, np.nan], np.float32)
    silu_in_place(x)
    assert np.abs(x[:3]).max() < 1e-30
    assert x[3:6].tolist() == [200.0, np.float32(3e38), np.inf]
    assert np.isnan(x[6])
