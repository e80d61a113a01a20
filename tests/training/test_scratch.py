import math

import pytest
import torch
from torch import nn

from secateur.training.scratch import CHARACTERS, initialise
from speech import SHAPE, processor, recognizer


def test_the_shape_is_the_one_asked_for() -> None:
    config = recognizer(layers=3, dropout=0.25).config.encoder_config
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (16, 3, 2)
    assert (config.intermediate_size, config.conv_kernel_size, config.num_mel_bins) == (24, 5, 16)
    assert config.dropout == config.activation_dropout == config.attention_dropout == 0.25
    assert recognizer().config.vocab_size == len(processor().tokenizer)


@pytest.mark.parametrize("kind", [nn.Linear, nn.Conv1d, nn.Conv2d])
def test_weights_are_uniform_within_one_over_the_root_of_the_fan_in(kind: type[nn.Module]) -> None:
    model = recognizer(hidden_size=64, intermediate_size=128, subsampling_channels=32)
    layers = [module for module in model.modules() if isinstance(module, kind)]
    assert layers
    for layer in layers:
        weight = layer.weight.detach()
        bound = 1 / math.sqrt(weight[0].numel())
        assert float(weight.abs().max()) <= bound + 1e-6
        if weight.numel() >= 1000:
            assert float(weight.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)


def test_norms_begin_as_the_identity_and_position_biases_at_zero() -> None:
    model = recognizer()
    for name, parameter in model.named_parameters():
        if name.endswith(("bias_u", "bias_v")):
            assert not parameter.any()
    for module in model.modules():
        if isinstance(module, nn.LayerNorm | nn.BatchNorm1d):
            assert bool((module.weight == 1).all())
            assert not module.bias.any()


def test_initialising_again_draws_every_matrix_again() -> None:
    model = recognizer()
    before = {name: parameter.clone() for name, parameter in model.named_parameters() if parameter.dim() > 1}
    initialise(model)
    moved = {
        name for name, parameter in model.named_parameters() if name in before and (parameter != before[name]).any()
    }
    assert moved == {name for name in before if not name.endswith(("bias_u", "bias_v"))}


def test_the_same_seed_gives_the_same_model() -> None:
    one, two = recognizer(seed=4).state_dict(), recognizer(seed=4).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_loss_of_a_text_that_does_not_fit_is_zero_and_not_infinite() -> None:
    model = recognizer()
    batch = {
        "input_features": torch.randn(1, 8, SHAPE["mel_bins"]),
        "attention_mask": torch.ones(1, 8, dtype=torch.bool),
        "labels": torch.full((1, 20), 5),
    }
    assert float(model(**batch).loss.detach()) == 0.0


@pytest.mark.parametrize("text", ["the cat's hat", "a", "don't stop", "aabbcc", "x y z"])
def test_the_processor_round_trips_text(text: str) -> None:
    tokenizer = processor().tokenizer
    ids = tokenizer(text)["input_ids"]
    assert len(ids) == len(text)
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.pad_token_id not in ids
    assert tokenizer.decode(ids, group_tokens=False) == text


def test_upper_case_is_the_same_text_and_other_characters_are_unknown() -> None:
    tokenizer = processor().tokenizer
    assert tokenizer("Yes")["input_ids"] == tokenizer("yes")["input_ids"]
    assert tokenizer("é7")["input_ids"] == [tokenizer.unk_token_id] * 2


def test_the_blank_is_the_padding_and_comes_first() -> None:
    tokenizer = processor().tokenizer
    assert tokenizer.pad_token_id == recognizer().config.pad_token_id == 0
    assert len(tokenizer) == 2 + len(CHARACTERS)


def test_frames_become_text_as_ctc_says() -> None:
    made = processor()
    a, b = made.tokenizer("ab")["input_ids"]
    assert made.batch_decode(torch.tensor([[0, a, a, 0, a, b, 0]])) == ["aab"]


def test_the_processor_is_the_same_after_saving(tmp_path) -> None:
    from transformers import AutoProcessor

    processor().save_pretrained(tmp_path)
    loaded = AutoProcessor.from_pretrained(tmp_path)
    assert loaded.tokenizer("a cat's")["input_ids"] == processor().tokenizer("a cat's")["input_ids"]
    assert loaded.feature_extractor.to_dict() == processor().feature_extractor.to_dict()
