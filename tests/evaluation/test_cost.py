from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    ParakeetForCTC,
    ParakeetForRNNT,
    ParakeetRNNTConfig,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForCTC,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
)

from secateur.errors import ModelError
from secateur.evaluation import (
    dummy_inputs,
    macs,
    macs_per_unit,
    nonzero_parameters,
    parameters,
    weight_bytes,
)

# The fixture's sizes: width, feed-forward, kernel, vocabulary, subsampling channels.
D, F, K, V, C = 12, 20, 5, 11, 4
MELS = 16


def subsampling_macs(frames: int) -> int:
    """Two strided convolutions, the second one depthwise and pointwise, then a projection."""
    first, second = (-(-frames // 2), MELS // 2), (-(-frames // 4), MELS // 4)
    strided = first[0] * first[1] * C * 9
    separable = second[0] * second[1] * (C * 9 + C * C)
    return strided + separable + second[0] * second[1] * C * D


def attention_macs(time: int) -> int:
    positions = 2 * time - 1
    projections = 4 * time * D * D + positions * D * D
    products = 2 * time * time * D + time * positions * D  # query-key, weight-value; query-position
    return projections + products


def conv_macs(time: int) -> int:
    return time * D * 2 * D + time * D * K + time * D * D


def encoder_macs(frames: int) -> int:
    time = -(-frames // 4)
    return subsampling_macs(frames) + 2 * (2 * 2 * time * D * F + attention_macs(time) + conv_macs(time))


@pytest.mark.parametrize("frames", [100, 90])
def test_parakeet_agrees_with_the_hand_count(parakeet: ParakeetForCTC, frames: int) -> None:
    counted = macs(parakeet, dummy_inputs(parakeet, length=frames / 100))
    time = -(-frames // 4)
    assert counted["encoder.subsampling"] == subsampling_macs(frames)
    assert counted["encoder.layers.0.feed_forward1"] == 2 * time * D * F
    assert counted["encoder.layers.1.self_attn"] == attention_macs(time)
    assert counted["encoder.layers.1.self_attn.relative_k_proj"] == (2 * time - 1) * D * D
    assert counted["encoder.layers.0.conv.depthwise_conv"] == time * D * K
    assert counted["encoder.layers.0.conv"] == conv_macs(time)
    assert counted["encoder.layers.0.norm_out"] == 0
    assert counted["encoder.layers"] == encoder_macs(frames) - subsampling_macs(frames)
    assert counted["ctc_head"] == time * D * V
    assert counted[""] == encoder_macs(frames) + time * D * V
    assert counted.keys() == {name for name, _ in parakeet.named_modules()}


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_attention_is_counted_however_it_is_computed(parakeet: ParakeetForCTC, implementation: str) -> None:
    parakeet.set_attn_implementation(implementation)
    assert macs(parakeet, dummy_inputs(parakeet, length=1.0))[""] == encoder_macs(100) + 25 * D * V


class Attention(nn.Module):
    def forward(self, query: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(query, query, query)


def test_fused_attention_in_anyones_module_is_counted() -> None:
    assert macs(Attention(), {"query": torch.zeros(2, 3, 7, 4)}) == {"": 2 * 2 * 3 * 7 * 7 * 4}


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Linear(5, 6), (2, 3, 5), 2 * 3 * 5 * 6),
        (nn.Conv1d(6, 6, 3, padding=1, groups=6), (2, 6, 10), 2 * 6 * 10 * 3),
        (nn.Conv1d(6, 4, 3, padding=1, groups=2), (2, 6, 10), 2 * 4 * 10 * 3 * 3),
        (nn.Conv2d(3, 4, 3, stride=2), (1, 3, 9, 7), 4 * 3 * 4 * 3 * 3 * 3),
        (nn.LSTM(5, 6, num_layers=2), (7, 2, 5), 7 * 2 * 4 * 6 * ((5 + 6) + (6 + 6))),
        (nn.LayerNorm(5), (2, 5), 0),
    ],
)
def test_each_layer_type_agrees_with_its_formula(module: nn.Module, shape: tuple[int, ...], expected: int) -> None:
    assert macs(module, {"input": torch.zeros(shape)})[""] == expected


def test_a_transducer_adds_one_prediction_step_and_a_joint_per_frame(parakeet: ParakeetForCTC) -> None:
    width, tokens = 6, 9
    config = ParakeetRNNTConfig(
        encoder_config=parakeet.config.encoder_config,
        vocab_size=tokens,
        blank_token_id=8,
        decoder_hidden_size=width,
        num_decoder_layers=2,
    )
    prediction = 2 * 4 * width * 2 * width + width * width
    joint = 25 * D * width + 25 * width * tokens
    model = ParakeetForRNNT(config)
    assert macs(model, dummy_inputs(model, length=1.0))[""] == encoder_macs(100) + prediction + joint


def test_models_that_read_their_mask_can_be_counted() -> None:
    model = Wav2Vec2BertForCTC(
        Wav2Vec2BertConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24, vocab_size=7
        )
    )
    counted = macs(model, dummy_inputs(model, length=1.0))
    assert counted["wav2vec2_bert.feature_projection"] == 50 * 160 * 16
    assert counted["wav2vec2_bert.encoder.layers.0.ffn1"] == 50 * 2 * 16 * 24


def test_raw_audio_is_counted_per_second_too() -> None:
    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        vocab_size=7,
        conv_dim=(8,),
        conv_stride=(320,),
        conv_kernel=(400,),
        num_conv_pos_embedding_groups=2,
    )
    model = Wav2Vec2ForCTC(config)
    frames = (32_000 - 400) // 320 + 1
    counted = macs(model, dummy_inputs(model, length=2.0))
    assert counted["wav2vec2.feature_extractor"] == frames * 8 * 400
    assert counted["lm_head"] == frames * 16 * 7
    assert macs_per_unit(model, length=2.0) == counted[""] / 2


def test_macs_per_second_are_counted_at_ten_seconds_and_grow_with_the_length(parakeet: ParakeetForCTC) -> None:
    assert macs_per_unit(parakeet) == (encoder_macs(1000) + 250 * D * V) / 10
    assert macs_per_unit(parakeet, length=20.0) > macs_per_unit(parakeet)


def test_counting_leaves_the_model_as_it_was(parakeet: ParakeetForCTC) -> None:
    parakeet.train()
    parakeet.encoder.layers[0].eval()
    modes = {name: module.training for name, module in parakeet.named_modules()}
    before = {name: value.clone() for name, value in parakeet.state_dict().items()}
    macs(parakeet, dummy_inputs(parakeet, length=0.2))
    assert {name: module.training for name, module in parakeet.named_modules()} == modes
    assert parakeet.config.encoder_config._attn_implementation == "sdpa"
    assert all(weight.requires_grad and weight.device.type == "cpu" for weight in parakeet.parameters())
    for name, value in parakeet.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_model_that_lives_on_meta_is_counted(parakeet: ParakeetForCTC) -> None:
    inputs = dummy_inputs(parakeet, length=1.0)
    assert macs(parakeet.to("meta"), inputs)[""] == encoder_macs(100) + 25 * D * V


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        # Not a leaf, so deepcopy alone refuses it; and no buffer, so `.to()` alone overlooks it.
        self.gate = self.linear.weight.sum(dim=1) * 2

    def forward(self, input: Tensor) -> Tensor:
        return self.linear(input) * self.gate


def test_tensors_kept_as_plain_attributes_do_not_hinder() -> None:
    assert macs(Gated(), {"input": torch.zeros(4, 3)})[""] == 4 * 3 * 2


class ReadsValues(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input if input.sum().item() > 0 else -input


@pytest.mark.parametrize(
    ("module", "fragment"),
    [
        (ReadsValues(), "ReadsValues cannot be counted from shapes alone: .*item"),
        (nn.Linear(4, 2), "Linear cannot be counted from shapes alone: .*dim"),
    ],
)
def test_a_forward_that_shapes_do_not_carry_through_is_refused(module: nn.Module, fragment: str) -> None:
    with pytest.raises(ModelError, match=fragment):
        macs(module, {"input": torch.ones(5, 3)})


def tied() -> nn.Module:
    model = nn.ModuleDict({"embedding": nn.Embedding(5, 3), "head": nn.Linear(3, 5)})
    model["head"].weight = model["embedding"].weight
    return model


def test_shared_tensors_count_once() -> None:
    model = tied()
    assert parameters(model) == 5 * 3 + 5
    with torch.no_grad():
        model["head"].weight[1:] = 0
        model["head"].weight[0] = 1
        model["head"].bias.fill_(-1)
    assert nonzero_parameters(model) == 3 + 5


def test_bytes_are_those_of_all_weight_files(tmp_path: Path) -> None:
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"x" * 7)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"x" * 5)
    (tmp_path / "model.safetensors.index.json").write_bytes(b"x" * 100)
    assert weight_bytes(tmp_path) == weight_bytes(str(tmp_path)) == 12


@pytest.mark.parametrize("folder", ["", "absent"])
def test_a_folder_without_weights_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ModelError, match=r"holds no \*\.safetensors file"):
        weight_bytes(tmp_path / folder)
