import copy
from typing import Any

import numpy as np
import pytest
import torch
from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetForCTC

import tiny
from secateur.evaluation import threads_limited_to
from secateur.runtime import SparseLinear, accelerate
from secateur.runtime.product import IntegerProduct
from secateur.runtime.rest import accelerate_rest
from secateur.runtime.whole import stacked
from sparse_weights import sparse

MELS = 16


def in_blocks(*, tile: tuple[int, int] = (16, 4)) -> Any:
    """Return a recognizer whose matrices lack whole tiles, on sparse kernels."""
    shape = {"hidden_size": 48, "num_attention_heads": 3, "intermediate_size": 96, "num_hidden_layers": 2}
    front = {"subsampling_factor": 4, "subsampling_conv_channels": 8, "num_mel_bins": MELS}
    config = ParakeetCTCConfig(encoder_config=ParakeetEncoderConfig(**shape, **front), vocab_size=7)
    model: Any = tiny.randomise(ParakeetForCTC(config), 0).float().eval()
    with torch.no_grad():
        for name, parameter in model.encoder.layers.named_parameters():
            if parameter.dim() > 1 and "depthwise" not in name and "bias" not in name:
                parameter *= sparse(tuple(parameter.shape), 0.8, tile=tile) != 0
    return accelerate(model, choose="sparse")


def heard(model: Any, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode(), threads_limited_to(1):
        return model.encoder(features, attention_mask=mask).last_hidden_state


def stacks(model: Any) -> list[bool]:
    return [stack is not None for block in model.encoder.layers for _, stack in block._stacks]


@pytest.mark.parametrize("lengths", [[1], [40], [300], [400, 260], [90, 17, 64]])
def test_one_call_does_the_same_sums_as_one_for_every_step(lengths: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    model = accelerate_rest(in_blocks())
    stepwise = copy.deepcopy(model)
    for block in stepwise.encoder.layers:
        monkeypatch.setattr(block, "_stacked", lambda tokens: None)
    features = torch.randn(len(lengths), max(lengths), MELS)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    assert torch.equal(heard(model, features, mask), heard(stepwise, features, mask))
    assert stacks(model) == [True, True]
    assert torch.equal(heard(model, features, mask), heard(stepwise, features, mask))


def test_it_hears_what_the_library_hears() -> None:
    model, features = in_blocks(), torch.randn(2, 200, MELS)
    mask = torch.arange(200) < torch.tensor([200, 150])[:, None]
    want = heard(model, features, mask)
    torch.testing.assert_close(heard(accelerate_rest(model), features, mask), want, atol=2e-2, rtol=2e-2)


def test_layers_behind_masks_take_their_steps() -> None:
    model = accelerate_rest(in_blocks(tile=(1, 1)))
    heard(model, torch.randn(1, 60, MELS), torch.ones(1, 60, dtype=torch.bool))
    assert stacks(model) == [False, False]


def test_layers_read_their_weights_from_the_stack() -> None:
    """So that these lie in memory once."""
    layers = [layer for layer in in_blocks().encoder.layers.modules() if isinstance(layer, SparseLinear)]
    tokens = torch.randn(5, layers[0].in_features)
    before = layers[0](tokens)
    stack = stacked(layers)
    assert stack is not None
    for layer in layers:
        assert isinstance(layer.product, IntegerProduct)
        assert np.shares_memory(layer.product.weight[2], stack.arrays[3])
    assert torch.equal(layers[0](tokens), before)
