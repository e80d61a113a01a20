import pytest
import torch
from torch import nn

import tiny
from secateur.runtime.rooms import Room
from secateur.runtime.subsampling import Subsampling, replace_subsampling
from sparse_weights import zeroed

LENGTHS = [1, 2, 3, 7, 8, 9, 30, 48]


def front_end(factor: int) -> nn.Module:
    module = tiny.ctc(subsampling_factor=factor).encoder.subsampling
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape) / max(1, parameter[0].numel()) ** 0.5)
    return module.requires_grad_(False)


@pytest.mark.parametrize("factor", [4, 8])
@pytest.mark.parametrize("length", LENGTHS)
def test_it_is_the_library_s_front_end_at_any_length(factor: int, length: int) -> None:
    module = front_end(factor)
    features = torch.randn(1, length, tiny.MELS)
    torch.testing.assert_close(Subsampling(module, Room())(features), module(features))


@pytest.mark.parametrize("factor", [4, 8])
def test_padding_is_zero_after_every_convolution(factor: int) -> None:
    module = front_end(factor)
    features = torch.randn(len(LENGTHS), max(LENGTHS), tiny.MELS)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    torch.testing.assert_close(Subsampling(module, Room())(features, mask), module(features, mask))


def test_what_is_not_a_number_stays_so() -> None:
    module = front_end(4)
    features = torch.randn(1, 16, tiny.MELS)
    features[0, 0, 0] = float("nan")
    found, expected = Subsampling(module, Room())(features), module(features)
    assert torch.equal(found.isnan(), expected.isnan())


def test_convolutions_without_biases_do_without() -> None:
    module = front_end(4)
    for layer in (module.layers[0], module.layers[2], module.layers[3]):
        layer.bias = None
    features = torch.randn(1, 20, tiny.MELS)
    torch.testing.assert_close(Subsampling(module, Room())(features), module(features))


def test_only_the_usual_shape_is_replaced() -> None:
    model = replace_subsampling(zeroed(tiny.ctc()), Room())
    assert isinstance(model.encoder.subsampling, Subsampling)
    assert not isinstance(replace_subsampling(tiny.ctc(subsampling_factor=2), Room()).encoder.subsampling, Subsampling)
    wide = tiny.ctc()
    wide.encoder.subsampling.layers[2].stride = (1, 1)
    assert not isinstance(replace_subsampling(wide, Room()).encoder.subsampling, Subsampling)
    replace_subsampling(tiny.gpt2(), Room())
