import pytest
import torch
from torch import nn

import tiny
from secateur.checkpoint.quantized import quantizable, quantize_rows, round_weights


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 5), (2, 3, 3, 3)])
def test_each_row_has_its_scale_and_no_weight_is_off_by_more_than_half_of_it(shape: tuple[int, ...], bits: int) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 3, shape[0]).reshape(
        -1, *[1] * (len(shape) - 1)
    )
    rows = quantize_rows(weight, bits=bits)
    assert rows.integers.dtype == torch.int8
    assert int(rows.integers.abs().max()) == 2 ** (bits - 1) - 1
    assert bool(((rows.values() - weight).abs() <= rows.scales / 2 * (1 + 1e-5)).all())


def test_what_is_on_the_grid_stays_and_zeros_stay_zero() -> None:
    weight = torch.randn(16, 32, generator=torch.Generator().manual_seed(1)) * (torch.rand(16, 32) > 0.7)
    once = quantize_rows(weight)
    again = quantize_rows(once.values())
    assert torch.equal(once.integers, again.integers)
    torch.testing.assert_close(once.values(), again.values(), rtol=0, atol=0)
    assert not once.integers[weight == 0].any()


def test_a_row_of_zeros_and_an_axis_of_outputs_that_is_not_the_first() -> None:
    weight = torch.tensor([[0.0, 3.0], [0.0, -1.0]])
    rows = quantize_rows(weight, outputs=1)
    assert rows.scales.shape == (1, 2)
    assert rows.integers.tolist() == [[0, 127], [0, -42]]


@pytest.mark.parametrize("name", ["ctc", "rnnt", "gpt2"])
def test_matrices_and_filters_of_a_model_are_rounded_and_nothing_else(name: str) -> None:
    model = tiny.randomise(tiny.MODELS[name](), 0).float()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    found = quantizable(model)
    round_weights(model)
    for tensor, parameter in model.named_parameters():
        if tensor not in found:
            assert torch.equal(parameter, before[tensor]), tensor
            continue
        wanted = quantize_rows(before[tensor], outputs=found[tensor]).values()
        assert torch.equal(parameter.detach(), wanted), tensor
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    assert not any(id(model.get_parameter(tensor)) in embeddings for tensor in found)
    assert any("lstm" in tensor for tensor in found) == (name == "rnnt")
