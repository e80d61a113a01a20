import pytest
import torch

import tiny
from secateur.training import single_precision


@pytest.mark.parametrize("own", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_a_model_works_in_single_precision_and_is_given_back_in_its_own(own: torch.dtype) -> None:
    model = tiny.ctc().to(own)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with single_precision(model):
        assert model.dtype == (torch.float64 if own == torch.float64 else torch.float32)
    assert model.dtype == own
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_it_is_given_back_where_work_fails() -> None:
    model = tiny.ctc().bfloat16()
    with pytest.raises(RuntimeError, match="of this"), single_precision(model):
        raise RuntimeError("of this")
    assert model.dtype == torch.bfloat16
