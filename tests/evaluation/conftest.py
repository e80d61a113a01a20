import pytest
from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetForCTC


@pytest.fixture
def parakeet() -> ParakeetForCTC:
    encoder = ParakeetEncoderConfig(
        hidden_size=12,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=20,
        conv_kernel_size=5,
        subsampling_factor=4,
        subsampling_conv_channels=4,
        num_mel_bins=16,
    )
    return ParakeetForCTC(ParakeetCTCConfig(encoder_config=encoder, vocab_size=11, pad_token_id=0))
