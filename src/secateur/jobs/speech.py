"""A recipe's data, as models take it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch

from secateur.data import Features, SpecAugment, SpeechDataset, Utterance, features, read_all, trainable
from secateur.errors import DataError
from secateur.evaluation import normalize
from secateur.recipes import Recipe

FRAMES_PER_SECOND = 100
"""Feature frames per second of audio: a hop of 10 ms in every extractor we know."""


@final
@dataclass(frozen=True)
class TrainingSpeech:
    """What is trained on."""

    dataset: SpeechDataset
    durations: npt.NDArray[np.float64]
    """Seconds per utterance."""


@final
@dataclass(frozen=True)
class Evaluated:
    """A set that models are measured on."""

    name: str
    utterances: tuple[Utterance, ...]
    features: Features


def training_speech(recipe: Recipe, model: Any, processor: Any, *, plain: bool = False) -> TrainingSpeech:
    """Read, extract and select the training data of a recipe; `plain`, for scores, without augmentation.

    Raises:
        DataError: A manifest or file is wrong, or nothing can be trained on.
    """
    utterances = read_all(recipe.data.sets("train")["train"])
    speeds = (1.0,) if plain else recipe.augment.speed or (1.0,)
    stores = [features(utterances, processor.feature_extractor, speed=speed, half=True) for speed in speeds]
    tokens = [processor.tokenizer(" ".join(utterance.text.split()))["input_ids"] for utterance in utterances]
    shortest = np.minimum.reduce([store.lengths for store in stores])
    chosen = trainable(
        utterances,
        tokens,
        encoder_frames(model, shortest),
        unknown=processor.tokenizer.unk_token_id,
        max_seconds=recipe.max_seconds,
    )
    settings = None if plain else recipe.augment.specaugment
    mask = SpecAugment(**settings.model_dump()) if settings else None
    index = np.array(chosen.indices)
    dataset = SpeechDataset([store.take(index) for store in stores], chosen.labels, mask=mask, seed=recipe.seed)
    mean = np.mean([store.lengths[index] for store in stores], axis=0)
    return TrainingSpeech(dataset, mean / FRAMES_PER_SECOND)


def evaluated(sets: Mapping[str, tuple[str, ...]], processor: Any) -> list[Evaluated]:
    """Read and extract sets to measure on.

    Raises:
        DataError: A manifest or file is wrong, or a set has no words to count.
    """
    read = {name: read_all(paths) for name, paths in sets.items()}
    for name, utterances in read.items():
        if not any(normalize(utterance.text) for utterance in utterances):
            raise DataError(
                f"the set `{name}` must hold at least one word to measure a word error rate, but the `text` of its "
                f"{len(utterances)} utterances is empty; name a manifest with transcripts"
            )
    return [
        Evaluated(name, tuple(utterances), features(utterances, processor.feature_extractor))
        for name, utterances in read.items()
    ]


def encoder_frames(model: Any, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count what the model's subsampling leaves of feature frames."""
    return model._get_subsampling_output_length(torch.as_tensor(frames)).numpy().astype(np.int64)
