"""What a model is fed when only the shape matters: latency, memory and multiply-accumulates."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from secateur.errors import ModelError, RequestError
from secateur.families import MEL_FRAMES_PER_SECOND, SAMPLES_PER_SECOND

STACKED = 2
"""Log-mel frames that Wav2Vec2-BERT's feature extractor lays side by side in one vector."""


InputUnit = Literal["audio_second", "token"]
"""What the length of an input is counted in."""

REFERENCE_LENGTHS: Mapping[InputUnit, float] = {"audio_second": 10.0, "token": 32}
"""Lengths at which costs are counted, since attention grows with the square of them: typical of an utterance of read
speech, and of what a recognizer makes of it."""


def input_unit(model: PreTrainedModel) -> InputUnit:
    """Return what the length of a model's input is counted in.

    >>> from transformers import GPT2Config, GPT2LMHeadModel
    >>> input_unit(GPT2LMHeadModel(GPT2Config(n_embd=4, n_head=1, n_layer=1, vocab_size=5)))
    'token'
    """
    return "token" if model.main_input_name == "input_ids" else "audio_second"


def longest_input(model: PreTrainedModel) -> float:
    """Return the most tokens that a model reads; audio may be of any length."""
    most = getattr(model.config, "max_position_embeddings", None) if input_unit(model) == "token" else None
    return math.inf if most is None else most


def reference_length(model: PreTrainedModel) -> float:
    """Return the length at which a model's cost is counted; a model that reads less, at what it reads."""
    return min(REFERENCE_LENGTHS[input_unit(model)], longest_input(model))


def dummy_inputs(
    model: PreTrainedModel,
    *,
    length: float,
    sampling_rate: int = SAMPLES_PER_SECOND,
    device: str | torch.device = "cpu",
) -> dict[str, Tensor]:
    """One utterance of noise, the same on each call, as keyword arguments of the model's forward.

    `length` is in seconds of audio, or in tokens for a model that reads text, whose ``input_ids`` of shape (1, tokens)
    are drawn from its vocabulary.

    ``input_features`` has shape (1, frames, mel bins) and comes with an ``attention_mask`` of ones; ``input_values``
    has shape (1, samples). A transducer gets one blank as ``decoder_input_ids``: one step of its prediction network
    and one joint per frame, what greedy search costs before the first word.

    Raises:
        RequestError: when `length` gives no input at all, or more tokens than the model reads.
        ModelError: when the model listens to something else, or its cost depends on the words it writes (Whisper).

    >>> from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetForCTC
    >>> encoder = ParakeetEncoderConfig(hidden_size=8, num_attention_heads=2, num_hidden_layers=1, num_mel_bins=16)
    >>> model = ParakeetForCTC(ParakeetCTCConfig(encoder_config=encoder, vocab_size=5, pad_token_id=0))
    >>> {name: tuple(value.shape) for name, value in dummy_inputs(model, length=0.5).items()}
    {'input_features': (1, 50, 16), 'attention_mask': (1, 50)}
    """
    if input_unit(model) == "token":
        inputs = _text(model, length)
    else:
        inputs = _audio(model, seconds=length, sampling_rate=sampling_rate) | _blank(model)
    return {name: value.to(device) for name, value in inputs.items()}


def _audio(model: PreTrainedModel, *, seconds: float, sampling_rate: int) -> dict[str, Tensor]:
    if model.main_input_name == "input_values":
        return {"input_values": _noise(model, _length(seconds, rate=sampling_rate))}
    if model.main_input_name == "input_features":
        rate, bins = _frames(model.config)
        frames = _length(seconds, rate=rate)
        return {
            "input_features": _noise(model, frames, bins),
            "attention_mask": torch.ones(1, frames, dtype=torch.bool),
        }
    raise ModelError(
        f"`model` must take `input_features`, `input_values` or `input_ids`, but {type(model).__name__} reads "
        f"`{model.main_input_name}`; pass your own inputs instead"
    )


def _text(model: Any, length: float) -> dict[str, Tensor]:
    if model.config.is_encoder_decoder:
        raise ModelError(_depends_on_words(model))
    tokens, most = round(length), longest_input(model)
    if not 1 <= tokens <= most:
        raise RequestError(f"`length` must be 1 to {most:g} tokens, but is {length:g}")
    generator = torch.Generator().manual_seed(0)
    vocabulary = model.get_input_embeddings().num_embeddings
    drawn = torch.randint(vocabulary, (1, tokens), generator=generator)
    return {"input_ids": drawn, "attention_mask": torch.ones(1, tokens, dtype=torch.long)}


def _blank(model: PreTrainedModel) -> dict[str, Tensor]:
    blank: int | None = getattr(model.config, "blank_token_id", None)
    if blank is not None:
        return {"decoder_input_ids": torch.tensor([[blank]])}
    if model.config.is_encoder_decoder:
        raise ModelError(_depends_on_words(model))
    return {}


def _depends_on_words(model: PreTrainedModel) -> str:
    return (
        f"the cost of {type(model).__name__} depends on the words it writes, not on the length of its input alone; "
        f"pass your own inputs instead"
    )


def _length(seconds: float, *, rate: int) -> int:
    length = round(seconds * rate)
    if length < 1:
        raise RequestError(f"`length` must be at least {1 / rate:g} s (one frame), but is {seconds:g}")
    return length


def _frames(config: PretrainedConfig) -> tuple[int, int]:
    """Frames per second and values per frame."""
    encoder = getattr(config, "encoder_config", config)
    for field, rate in (
        ("num_mel_bins", MEL_FRAMES_PER_SECOND),
        ("feature_projection_input_dim", MEL_FRAMES_PER_SECOND // STACKED),
    ):
        if hasattr(encoder, field):
            return rate, int(getattr(encoder, field))
    raise ModelError(
        f"`model` reads `input_features`, but its {type(config).__name__} names neither `num_mel_bins` nor "
        "`feature_projection_input_dim`; pass your own inputs instead"
    )


def _noise(model: PreTrainedModel, *shape: int) -> Tensor:
    # Noise, not zeros: a run over zeros may meet denormal numbers or skipped work that speech never does.
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).to(model.dtype)
