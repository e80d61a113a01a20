import pytest
import torch

from secateur.wide import wide


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_numbers_stay_and_have_single_precision_at_least(dtype: torch.dtype) -> None:
    values = torch.tensor([0.5, -3.0]).to(dtype)
    found = wide(values)
    assert found.tolist() == [0.5, -3.0]
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
