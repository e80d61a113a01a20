"""Manifests, audio, features and batches."""

from secateur.data.augment import SpecAugment
from secateur.data.batches import DurationBatches, Example, SpeechDataset, collate
from secateur.data.features import Features, features
from secateur.data.manifest import Utterance, read, read_all
from secateur.data.select import Trainable, trainable
from secateur.data.text import read_lines

__all__ = [
    "DurationBatches",
    "Example",
    "Features",
    "SpecAugment",
    "SpeechDataset",
    "Trainable",
    "Utterance",
    "collate",
    "features",
    "read",
    "read_all",
    "read_lines",
    "trainable",
]
