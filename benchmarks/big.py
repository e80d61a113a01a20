"""Models with random weights, for timing alone."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetForCTC


def random_parakeet(shape: Mapping[str, Any], *, seed: int = 0) -> ParakeetForCTC:
    """Build a Parakeet-CTC of a shape given in the words of its configuration; 1025 tokens, as the released ones."""
    torch.manual_seed(seed)
    return ParakeetForCTC(ParakeetCTCConfig(encoder_config=ParakeetEncoderConfig(**shape), vocab_size=1025)).eval()


def random_gpt2(shape: Mapping[str, Any], *, seed: int = 0) -> GPT2LMHeadModel:
    """Build a GPT-2 of a shape given in the words of its configuration."""
    torch.manual_seed(seed)
    return GPT2LMHeadModel(GPT2Config(**shape)).eval()
