"""A tiny recognizer of every family with its processor, as a folder: what its users have, but for the size."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    LasrFeatureExtractor,
    LasrProcessor,
    LasrTokenizer,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertProcessor,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Processor,
)

import tiny
from speech import save_recognizer
from tiny import MELS

LETTERS = "abcdefghijklmnopqrstuvwxyz'"

AS_TRAINED = {"apply_spec_augment": True, "mask_time_length": 2, "layerdrop": 0.1, "hidden_dropout": 0.1}
"""What models of the library do in training unless told otherwise."""

STRIDES = {"conv_stride": (10, 8, 4, 1), "conv_kernel": (10, 8, 4, 1), "max_source_positions": 100}
"""Of samples, 50 frames per second."""


def save(folder: Path, model: Any, processor: Any) -> Path:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def characters(folder: Path) -> Wav2Vec2CTCTokenizer:
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<unk>", "|", *LETTERS])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    return Wav2Vec2CTCTokenizer(
        str(folder / "vocab.json"), pad_token="<pad>", unk_token="<unk>", bos_token=None, eos_token=None
    )


def wav2vec2_conformer(folder: Path, *, attention_mask: bool = True, **shape: Any) -> Path:
    torch.manual_seed(0)
    tokenizer = characters(folder)
    model = tiny.wav2vec2_conformer(**{**STRIDES, **AS_TRAINED, "vocab_size": len(tokenizer), **shape})
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=attention_mask)
    return save(folder, model, Wav2Vec2Processor(extractor, tokenizer))


def wav2vec2_bert(folder: Path, **shape: Any) -> Path:
    torch.manual_seed(0)
    tokenizer = characters(folder)
    stacked = {"feature_projection_input_dim": 2 * MELS, "vocab_size": len(tokenizer)}
    model = tiny.wav2vec2_bert(**{**AS_TRAINED, **stacked, **shape})
    return save(
        folder,
        model,
        Wav2Vec2BertProcessor(SeamlessM4TFeatureExtractor(feature_size=MELS, num_mel_bins=MELS), tokenizer),
    )


def lasr(folder: Path, **shape: Any) -> Path:
    torch.manual_seed(0)
    pieces = ["<pad>", "</s>", "<unk>", "▁", *LETTERS]
    tokenizer = LasrTokenizer(vocab=[(piece, -float(i > 2)) for i, piece in enumerate(pieces)], extra_ids=0)
    model = tiny.lasr(vocab_size=len(pieces), **shape)
    return save(folder, model, LasrProcessor(LasrFeatureExtractor(feature_size=MELS), tokenizer))


BUILD: dict[str, Callable[..., Path]] = {
    "parakeet": save_recognizer,
    "wav2vec2_conformer": wav2vec2_conformer,
    "wav2vec2_bert": wav2vec2_bert,
    "lasr": lasr,
}
"""Family -> what writes a recognizer into a folder."""


class Spelled:
    """Writes tokens as numbers."""

    def batch_decode(self, lines: Any, *, group_tokens: bool) -> list[str]:
        assert not group_tokens
        return [" ".join(str(int(token)) for token in line) for line in lines]
