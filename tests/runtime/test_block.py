import copy

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderConvolutionModule

import tiny
from secateur.runtime.block import Block, Convolution, FeedForward, depthwise, replace_blocks
from secateur.runtime.choice import Chosen

CLOSE = {"atol": 1e-4, "rtol": 1e-4}


def randomised(**changed):
    model = tiny.randomise(tiny.ctc(**changed), 0).float()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.uniform_(module.running_mean, -1.0, 1.0)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model.eval()


def kinds(model) -> list[type]:
    return [type(module) for module in model.modules()]


@pytest.mark.parametrize("changed", [{}, {"attention_bias": False, "convolution_bias": False}], ids=str)
def test_a_batch_with_padding_is_heard_as_before(changed) -> None:
    model, inputs = randomised(**changed), tiny.batch(dtype=torch.float32)
    before = tiny.output(model, inputs)
    assert replace_blocks(model) is model
    assert [kinds(model).count(kind) for kind in (Block, Convolution, FeedForward)] == [2, 2, 4]
    torch.testing.assert_close(tiny.output(model, inputs), before, **CLOSE)


@pytest.mark.parametrize("frames", [9, 16, 33, 90])
def test_one_utterance_of_any_length_is_heard_as_before(frames: int) -> None:
    model = randomised()
    heard = torch.randn(1, frames, tiny.MELS)
    with torch.inference_mode():
        before = model(heard).logits
        torch.testing.assert_close(replace_blocks(model)(heard).logits, before, **CLOSE)


def test_what_has_left_stays_away() -> None:
    model, inputs = randomised(), tiny.batch(dtype=torch.float32)
    groups = tiny.groups_of(model)
    masks = {group.name: torch.zeros(group.units, dtype=torch.bool) for group in groups.values()
             if group.granularity == "module" and "layers.0" in group.name}  # fmt: skip
    assert masks
    tiny.cut(model, masks)
    before = tiny.output(model, inputs)
    torch.testing.assert_close(tiny.output(replace_blocks(model), inputs), before, **CLOSE)


def test_hidden_states_are_still_given() -> None:
    model, inputs = randomised(), tiny.batch(dtype=torch.float32)
    faster = replace_blocks(copy.deepcopy(model))
    with torch.inference_mode():
        before = model(**inputs, output_hidden_states=True).hidden_states
        after = faster(**inputs, output_hidden_states=True).hidden_states
    assert len(before) == len(after) > 1
    torch.testing.assert_close(after[1], before[1], **CLOSE)


def test_parts_of_another_kind_are_kept() -> None:
    model = randomised()
    for module in list(model.modules()):
        if hasattr(module, "activation"):
            module.activation = torch.nn.ReLU()
    replace_blocks(model)
    assert not {Convolution, FeedForward} & set(kinds(model))
    assert Block in kinds(model)
    before = kinds(gpt2 := tiny.gpt2())
    assert kinds(replace_blocks(gpt2)) == before


def test_several_kernels_of_a_pointwise_convolution_stay_several() -> None:
    model = randomised()
    for module in model.modules():
        if isinstance(module, ParakeetEncoderConvolutionModule):
            for name in ("pointwise_conv1", "pointwise_conv2"):
                layer = getattr(module, name)
                several = {"a": layer, "b": copy.deepcopy(layer)}
                setattr(module, name, Chosen(several, {1: "a", 9: "b"}, in_features=layer.in_channels))
    heard = torch.randn(1, 90, tiny.MELS)
    with torch.inference_mode():
        before = model(heard).logits
        torch.testing.assert_close(replace_blocks(model)(heard).logits, before, **CLOSE)
    assert kinds(model).count(Chosen) == 4


@pytest.mark.parametrize("reach", [1, 3, 9])
@pytest.mark.parametrize("frames", [1, 2, 20])
def test_a_convolution_of_each_channel_by_itself(reach: int, frames: int) -> None:
    x, weight, bias = torch.randn(frames, 5), torch.randn(reach, 5), torch.randn(5)
    out = np.empty((frames, 5), np.float32)
    depthwise(x.numpy(), weight.numpy(), bias.numpy(), out)
    want = functional.conv1d(x.T[None], weight.T[:, None], bias, padding=reach // 2, groups=5)[0].T
    torch.testing.assert_close(torch.from_numpy(out), want)
