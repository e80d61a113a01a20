from typing import Any

import pytest
import torch
from torch import nn

import tiny
from secateur.training import single_precision


def everything(model: nn.Module) -> dict[str, torch.Tensor]:
    """Buffers that no checkpoint holds too, which `from_pretrained` leaves in float32."""
    return {name: tensor.detach().clone() for name, tensor in [*model.named_parameters(), *model.named_buffers()]}


def half(dtype: torch.dtype) -> Any:
    """A model in half precision as the library loads it, with positions and a norm in float32."""
    model = tiny.ctc().to(dtype)
    model.encoder.encode_positions.float()
    model.encoder.layers[0].norm_out.float()
    return model


@pytest.mark.parametrize("own", [torch.bfloat16, torch.float16, torch.float32])
def test_a_model_works_in_single_precision_and_is_given_back_as_it_was(own: torch.dtype) -> None:
    model = half(own)
    before, parameters = everything(model), list(model.parameters())
    with single_precision(model):
        assert {t.dtype for t in everything(model).values() if t.is_floating_point()} == {torch.float32}
    after = everything(model)
    assert all(
        torch.equal(tensor, before[name]) and tensor.dtype == before[name].dtype for name, tensor in after.items()
    )
    assert all(one is other for one, other in zip(parameters, model.parameters(), strict=True))


def test_double_precision_stays() -> None:
    model = tiny.ctc().double()
    with single_precision(model):
        assert model.dtype == torch.float64
    assert model.dtype == torch.float64


def test_it_is_given_back_where_work_fails() -> None:
    model = half(torch.bfloat16)
    with pytest.raises(RuntimeError, match="of this"), single_precision(model):
        raise RuntimeError("of this")
    assert model.dtype == torch.bfloat16
