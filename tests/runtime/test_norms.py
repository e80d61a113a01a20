import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from secateur.runtime.norms import add_and_normalize, normalize

WIDTHS = [1, 12, 16, 70, 512]


def drawn(width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    rows = (torch.randn(5, width, generator=generator) * 3 + 1 for _ in range(2))
    x, y = rows
    return x, y, torch.randn(width, generator=generator), torch.randn(width, generator=generator)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_row_is_normalized(width: int) -> None:
    x, _, weight, bias = drawn(width)
    out = np.empty((5, width), np.float32)
    normalize(x.numpy(), weight.numpy(), bias.numpy(), 1e-5, out)
    torch.testing.assert_close(torch.from_numpy(out), functional.layer_norm(x, (width,), weight, bias, 1e-5))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_share_is_added_first_and_the_sum_may_take_its_place(width: int) -> None:
    x, y, weight, bias = drawn(width)
    want = x + 0.5 * y
    out = np.empty((5, width), np.float32)
    add_and_normalize(x.numpy(), y.numpy(), 0.5, weight.numpy(), bias.numpy(), 1e-5, x.numpy(), out)
    torch.testing.assert_close(x, want)
    torch.testing.assert_close(torch.from_numpy(out), functional.layer_norm(want, (width,), weight, bias, 1e-5))


def test_what_is_not_finite_stays_in_its_row() -> None:
    x = torch.ones(3, 20)
    x[1, 3] = torch.nan
    out = np.empty((3, 20), np.float32)
    normalize(x.numpy(), np.ones(20, np.float32), np.ones(20, np.float32), 1e-5, out)
    assert np.isnan(out).all(1).tolist() == [False, True, False]
    assert np.isfinite(out[::2]).all()
