"""Manifests, audio, features and batches."""

from secateur.data.augment import SpecAugment
from secateur.data.batches import EvenBatches, Example, SpeechDataset, collate
from secateur.data.features import Features, features
from secateur.data.manifest import Utterance, read, read_all
from secateur.data.select import Trainable, trainable
from secateur.data.text import TextDataset, as_tokens, collate_text, read_lines

__all__ = [
    "EvenBatches",
    "Example",
    "Features",
    "SpecAugment",
    "SpeechDataset",
    "TextDataset",
    "Trainable",
    "Utterance",
    "as_tokens",
    "collate",
    "collate_text",
    "features",
    "read",
    "read_all",
    "read_lines",
    "trainable",
]
