"""Manifests, audio, features and batches."""

from secateur.data.augment import SpecAugment
from secateur.data.batches import EvenBatches, Example, SpeechDataset, collate, for_transducer
from secateur.data.features import Features, cache_folder, features, features_once
from secateur.data.manifest import Utterance, read, read_all
from secateur.data.select import Trainable, ctc_frames, one_frame, trainable
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
    "cache_folder",
    "collate",
    "collate_text",
    "ctc_frames",
    "features",
    "features_once",
    "for_transducer",
    "one_frame",
    "read",
    "read_all",
    "read_lines",
    "trainable",
]
