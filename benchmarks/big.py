"""Parakeet-CTC models with random weights, for timing alone."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import ParakeetCTCConfig, ParakeetEncoderConfig, ParakeetForCTC


def random_parakeet(shape: Mapping[str, Any], *, seed: int = 0) -> ParakeetForCTC:
    """Build a Parakeet-CTC of a shape given in the words of its configuration; 1025 tokens, as the released ones."""
    torch.manual_seed(seed)
    return ParakeetForCTC(ParakeetCTCConfig(encoder_config=ParakeetEncoderConfig(**shape), vocab_size=1025)).eval()
