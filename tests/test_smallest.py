import pytest
import torch

from secateur.smallest import kth_smallest


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("k", [1, 2, 17, 500, 999, 1000])
def test_it_is_what_sorting_finds(k: int, dtype: torch.dtype) -> None:
    values = torch.randn(1000, generator=torch.Generator().manual_seed(k)).to(dtype)
    values[::7] = values[3]  # ties
    values[11], values[12] = torch.inf, -torch.inf
    found = kth_smallest(values, k)
    assert found.dtype == dtype
    assert found == values.kthvalue(k).values


def test_what_is_no_number_is_the_largest_and_nothing_is_moved() -> None:
    values = torch.tensor([2.0, torch.nan, 1.0], requires_grad=True)
    assert kth_smallest(values, 2) == 2.0
    assert kth_smallest(values, 3).isnan()
    assert values[::2].tolist() == [2.0, 1.0]
