"""What a speech model is fed when only the shape matters: latency, memory and multiply-accumulates."""

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from secateur.errors import ModelError, RequestError
from secateur.families import MEL_FRAMES_PER_SECOND, SAMPLES_PER_SECOND

STACKED = 2
"""Log-mel frames that Wav2Vec2-BERT's feature extractor lays side by side in one vector."""


def dummy_inputs(
    model: PreTrainedModel,
    *,
    seconds: float,
    sampling_rate: int = SAMPLES_PER_SECOND,
    device: str | torch.device = "cpu",
) -> dict[str, Tensor]:
    """One utterance of noise, the same on each call, as keyword arguments of the model's forward.

    ``input_features`` has shape (1, frames, mel bins) and comes with an ``attention_mask`` of ones; ``input_values``
    has shape (1, samples). A transducer gets one blank as ``decoder_input_ids``: one step of its prediction network
    and one joint per frame, what greedy search costs before the first word.

    Raises:
        RequestError: when `seconds` gives no input at all.
        ModelError: when the model listens to something else, or its cost depends on the words it writes (Whisper).

    >>> from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetForCTC
    >>> encoder = ParakeetEncoderConfig(hidden_size=8, num_attention_heads=2, num_hidden_layers=1, num_mel_bins=16)
    >>> model = ParakeetForCTC(ParakeetCTCConfig(encoder_config=encoder, vocab_size=5, pad_token_id=0))
    >>> {name: tuple(value.shape) for name, value in dummy_inputs(model, seconds=0.5).items()}
    {'input_features': (1, 50, 16), 'attention_mask': (1, 50)}
    """
    inputs = _audio(model, seconds=seconds, sampling_rate=sampling_rate) | _tokens(model)
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
        f"`model` must listen to `input_features` or `input_values`, but {type(model).__name__} reads "
        f"`{model.main_input_name}`; pass your own inputs instead"
    )


def _tokens(model: PreTrainedModel) -> dict[str, Tensor]:
    blank: int | None = getattr(model.config, "blank_token_id", None)
    if blank is not None:
        return {"decoder_input_ids": torch.tensor([[blank]])}
    if model.config.is_encoder_decoder:
        raise ModelError(
            f"the cost of {type(model).__name__} depends on the words it writes, not on seconds of audio alone; "
            "pass your own inputs instead"
        )
    return {}


def _length(seconds: float, *, rate: int) -> int:
    length = round(seconds * rate)
    if length < 1:
        raise RequestError(f"`seconds` must be at least {1 / rate:g} (one frame), but is {seconds}")
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
