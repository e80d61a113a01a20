from collections.abc import Callable

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    ParakeetForCTC,
    ParakeetForRNNT,
    ParakeetRNNTConfig,
    PretrainedConfig,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
    ViTConfig,
    ViTModel,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForCTC,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from secateur.errors import ModelError, RequestError
from secateur.evaluation import dummy_inputs, input_unit

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 7}
WAV2VEC2 = {"conv_dim": (8,), "conv_stride": (320,), "conv_kernel": (400,), "num_conv_pos_embedding_groups": 2}


def wav2vec2() -> PreTrainedModel:
    return Wav2Vec2ForCTC(Wav2Vec2Config(**SMALL, **WAV2VEC2))


def wav2vec2_bert() -> PreTrainedModel:
    return Wav2Vec2BertForCTC(Wav2Vec2BertConfig(**SMALL))


def gpt2() -> PreTrainedModel:
    return GPT2LMHeadModel(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=7, bos_token_id=0, eos_token_id=0))


def vit() -> PreTrainedModel:
    return ViTModel(ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8))


def t5() -> PreTrainedModel:
    return T5ForConditionalGeneration(
        T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=1, vocab_size=7, decoder_start_token_id=0)
    )


def whisper() -> PreTrainedModel:
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    return WhisperForConditionalGeneration(
        WhisperConfig(d_model=8, encoder_layers=1, decoder_layers=1, vocab_size=7, **heads, **special)
    )


def test_parakeet_hears_a_hundred_frames_per_second_with_a_mask_of_ones(parakeet: ParakeetForCTC) -> None:
    inputs = dummy_inputs(parakeet, length=1.5)
    assert inputs["input_features"].shape == (1, 150, 16)
    assert inputs["attention_mask"].tolist() == [[True] * 150]
    assert parakeet.eval()(**inputs).logits.shape == (1, 38, 11)  # 150 frames halved twice, rounded up


def test_a_transducer_gets_one_blank(parakeet: ParakeetForCTC) -> None:
    config = ParakeetRNNTConfig(
        encoder_config=parakeet.config.encoder_config, vocab_size=9, blank_token_id=8, decoder_hidden_size=6
    )
    model = ParakeetForRNNT(config).eval()
    inputs = dummy_inputs(model, length=0.4)
    assert inputs["decoder_input_ids"].tolist() == [[8]]
    assert model(**inputs).logits.shape == (1, 10, 9)


@pytest.mark.parametrize(
    ("build", "name", "shape"),
    [(wav2vec2, "input_values", (1, 8000)), (wav2vec2_bert, "input_features", (1, 25, 160))],
)
def test_other_families_hear_what_they_are_trained_on(
    build: Callable[[], PreTrainedModel], name: str, shape: tuple[int, ...]
) -> None:
    model = build().eval()
    inputs = dummy_inputs(model, length=0.5)
    assert inputs[name].shape == shape
    assert torch.isfinite(model(**inputs).logits).all()


def test_the_sampling_rate_sets_the_number_of_samples() -> None:
    assert dummy_inputs(wav2vec2(), length=0.5, sampling_rate=8000)["input_values"].shape == (1, 4000)


def test_noise_is_the_same_on_each_call_in_the_models_type_and_place(parakeet: ParakeetForCTC) -> None:
    first, second = (dummy_inputs(parakeet, length=0.1)["input_features"] for _ in range(2))
    assert torch.equal(first, second)
    assert dummy_inputs(parakeet.half(), length=0.1)["input_features"].dtype == torch.float16
    assert dummy_inputs(parakeet, length=0.1, device="meta")["attention_mask"].is_meta


@pytest.mark.parametrize(
    ("build", "fragment"),
    [
        (vit, "must take `input_features`, `input_values` or `input_ids`, but .* reads `pixel_values`"),
        (whisper, "depends on the words it writes"),
        (t5, "depends on the words it writes"),
    ],
)
def test_models_whose_cost_is_not_a_matter_of_length_are_refused(
    build: Callable[[], PreTrainedModel], fragment: str
) -> None:
    with pytest.raises(ModelError, match=fragment):
        dummy_inputs(build(), length=1.0)


def test_a_model_that_reads_text_gets_tokens_of_its_vocabulary() -> None:
    inputs = dummy_inputs(gpt2(), length=12)
    assert inputs["input_ids"].shape == inputs["attention_mask"].shape == (1, 12)
    assert set(inputs["input_ids"].flatten().tolist()) <= set(range(7))
    assert torch.equal(inputs["input_ids"], dummy_inputs(gpt2(), length=12)["input_ids"])


@pytest.mark.parametrize("length", [0, 0.4, -3, 1025])
def test_more_tokens_than_a_model_reads_are_refused(length: float) -> None:
    with pytest.raises(RequestError, match=f"must be 1 to 1024 tokens, but is {length:g}"):
        dummy_inputs(gpt2(), length=length)


def test_audio_is_counted_in_seconds_and_text_in_tokens(parakeet: ParakeetForCTC) -> None:
    assert (input_unit(parakeet), input_unit(gpt2())) == ("audio_second", "token")


def test_a_config_that_names_no_bins_is_refused(parakeet: ParakeetForCTC) -> None:
    parakeet.config = PretrainedConfig()
    with pytest.raises(ModelError, match="names neither `num_mel_bins`"):
        dummy_inputs(parakeet, length=1.0)


@pytest.mark.parametrize(("seconds", "fragment"), [(0, "at least 0.01"), (-1.0, "but is -1"), (0.001, "one frame")])
def test_no_audio_at_all_is_refused(parakeet: ParakeetForCTC, seconds: float, fragment: str) -> None:
    with pytest.raises(RequestError, match=fragment):
        dummy_inputs(parakeet, length=seconds)
