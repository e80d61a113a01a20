"""A new Parakeet, CTC or transducer, and its processor, from nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import nn
from transformers import (
    ParakeetCTCConfig,
    ParakeetEncoderConfig,
    ParakeetFeatureExtractor,
    ParakeetForCTC,
    ParakeetForRNNT,
    ParakeetForTDT,
    ParakeetProcessor,
    ParakeetRNNTConfig,
    ParakeetTDTConfig,
    ParakeetTokenizer,
)
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderAttention

WORD_BOUNDARY = "▁"
CHARACTERS = (WORD_BOUNDARY, "'", *"abcdefghijklmnopqrstuvwxyz")
PAD, UNKNOWN = "<pad>", "<unk>"

BLANK = 0
"""The token that is padding and blank at once."""


def encoder(
    *,
    hidden_size: int,
    layers: int,
    heads: int,
    intermediate_size: int,
    conv_kernel_size: int,
    subsampling_factor: int,
    subsampling_channels: int,
    mel_bins: int,
    dropout: float,
) -> ParakeetEncoderConfig:
    """Describe an encoder."""
    return ParakeetEncoderConfig(
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate_size,
        conv_kernel_size=conv_kernel_size,
        subsampling_factor=subsampling_factor,
        subsampling_conv_channels=subsampling_channels,
        num_mel_bins=mel_bins,
        dropout=dropout,
        activation_dropout=dropout,
        attention_dropout=dropout,
        layerdrop=0.0,
        scale_input=False,
    )


def parakeet_ctc(*, vocab_size: int, blank: int = BLANK, **shape: Any) -> ParakeetForCTC:
    """Build a Parakeet-CTC of the shape that `encoder` takes, with PyTorch's fan-in initialization.

    `transformers` draws every weight with standard deviation 0.02 whatever its fan-in. At widths of some hundred the
    signal dies on the way up and CTC hardly starts; with each layer's own ``reset_parameters`` it does.
    """
    config = ParakeetCTCConfig(
        encoder_config=encoder(**shape), vocab_size=vocab_size, pad_token_id=blank, ctc_zero_infinity=True
    )
    model = ParakeetForCTC(config)
    initialise(model)
    return model


def parakeet_transducer(
    *, vocab_size: int, prediction_size: int, prediction_layers: int, durations: Sequence[int] | None, **shape: Any
) -> ParakeetForRNNT:
    """Build a Parakeet-RNNT, or with `durations` a Parakeet-TDT, initialized likewise.

    Its blank is the padding token, so that tokenizers for CTC serve it too; its prediction network starts from one.
    """
    kinds: Any = (ParakeetRNNTConfig, ParakeetForRNNT) if durations is None else (ParakeetTDTConfig, ParakeetForTDT)
    config = kinds[0](
        encoder_config=encoder(**shape),
        vocab_size=vocab_size,
        decoder_hidden_size=prediction_size,
        num_decoder_layers=prediction_layers,
        pad_token_id=BLANK,
        blank_token_id=BLANK,
        **({} if durations is None else {"durations": list(durations)}),
    )
    model = kinds[1](config)
    initialise(model)
    model.generation_config.decoder_start_token_id = BLANK
    if durations is not None:  # `generate` would take the outputs behind the tokens' for tokens
        model.generation_config.suppress_tokens = [vocab_size + i for i in range(len(durations))]
    return model


def initialise(model: nn.Module) -> None:
    """Draw every weight again by its layer's own rule (uniform in +-1 / sqrt(fan in) for linear and convolution)."""
    for module in model.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
        if isinstance(module, ParakeetEncoderAttention):
            nn.init.zeros_(module.bias_u)
            nn.init.zeros_(module.bias_v)


def character_processor(*, mel_bins: int, sampling_rate: int = 16000) -> ParakeetProcessor:
    """Build a processor over the characters a-z, apostrophe and space; id 0 is both padding and the CTC blank."""
    extractor = ParakeetFeatureExtractor(feature_size=mel_bins, sampling_rate=sampling_rate)
    tokenizer = ParakeetTokenizer(tokenizer_object=_tokenizer(), pad_token=PAD, unk_token=UNKNOWN)
    return ParakeetProcessor(extractor, tokenizer)


def _tokenizer() -> Tokenizer:
    vocabulary: Mapping[str, int] = {token: i for i, token in enumerate((PAD, UNKNOWN, *CHARACTERS))}
    tokenizer: Any = Tokenizer(models.WordLevel(vocab=dict(vocabulary), unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(" ", WORD_BOUNDARY)])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Fuse(), decoders.Replace(WORD_BOUNDARY, " ")])
    return tokenizer
