"""Recognizers, and a recipe's speech as they take it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from secateur.data import (
    Example,
    SpecAugment,
    SpeechDataset,
    collate,
    ctc_frames,
    features,
    for_transducer,
    one_frame,
    read_all,
    trainable,
)
from secateur.errors import DataError
from secateur.evaluation import normalize
from secateur.families import Hearing, hearing_of, is_transducer
from secateur.recipes import Architecture, Recipe
from secateur.tasks.heard import Heard, SpeechSet, listen, write_transcripts
from secateur.tasks.models import load_processor, load_recognizer
from secateur.tasks.start import start_recognizer
from secateur.tasks.task import Sets, Task, Training


@final
class SpeechTask(Task[SpeechSet, Heard]):
    """Recognizers: trained on utterances, judged by the words they get wrong."""

    metric = "wer"

    def load(self, name: str) -> Any:
        """Load a CTC model or a transducer of a known family."""
        return load_recognizer(name)

    def load_processor(self, name: str) -> Any:
        """Load its feature extractor and tokenizer."""
        return load_processor(name)

    def start(self, recipe: Recipe) -> tuple[Any, Any]:
        """Make a Parakeet over characters, or over the tokens of the teacher that the recipe names."""
        assert isinstance(recipe.architecture, Architecture)
        return start_recognizer(recipe.architecture, teacher=recipe.distill.teacher if recipe.distill else None)

    def training(self, recipe: Recipe, model: Any, processor: Any, *, plain: bool = False) -> Training:
        """Read and extract utterances."""
        return training_speech(recipe, model, processor, plain=plain)

    def read(self, sets: Sets, model: Any, processor: Any) -> Sequence[SpeechSet]:
        """Read and extract sets."""
        return evaluated(sets, processor)

    def judge(self, model: Any, processor: Any, sets: Sequence[SpeechSet]) -> Heard:
        """Transcribe and count."""
        return listen(model, processor, sets)

    def validate(self, model: Any, processor: Any, sets: Sequence[SpeechSet]) -> Mapping[str, float]:
        """Return each set's WER and their mean."""
        rates = {f"wer_{name}": errors.wer for name, errors in listen(model, processor, sets).errors.items()}
        return {**rates, "wer": sum(rates.values()) / len(rates)}

    def record(self, path: Path, sets: Sequence[SpeechSet], judged: Mapping[str, Heard]) -> None:
        """Write transcripts."""
        write_transcripts(path, sets, judged)


def training_speech(recipe: Recipe, model: Any, processor: Any, *, plain: bool = False) -> Training:
    """Read, extract and select the training data of a recipe; `plain`, for scores, without augmentation.

    Models that hear samples get no SpecAugment: there are no bins to blank, and they mask hidden frames themselves, as
    their configuration says.

    Raises:
        DataError: A manifest or file is wrong, or nothing can be trained on.
    """
    hearing = hearing_of(model)
    utterances = read_all(recipe.data.sets("train")["train"])
    speeds = (1.0,) if plain else recipe.augment.speed or (1.0,)
    stores = [features(utterances, processor.feature_extractor, speed=speed, half=True) for speed in speeds]
    spell, transduces = speller(processor.tokenizer), is_transducer(model)
    tokens = [spell(utterance.text) for utterance in utterances]
    shortest = np.minimum.reduce([store.lengths for store in stores])
    chosen = trainable(
        utterances,
        tokens,
        encoder_frames(model, shortest),
        unknown=processor.tokenizer.unk_token_id,
        max_seconds=recipe.max_seconds,
        needed=one_frame if transduces else ctc_frames,
    )
    mask = None if plain else _mask(recipe, hearing)
    index = np.array(chosen.indices)
    dataset = SpeechDataset([store.take(index) for store in stores], chosen.labels, mask=mask, seed=recipe.seed)
    mean = np.mean([store.lengths[index] for store in stores], axis=0)
    return Training(
        dataset,
        mean / hearing.per_second,
        recipe.batch_seconds,
        partial(_collate_for_transducer, model.config)
        if transduces
        else partial(collate, input_name=str(model.main_input_name)),
    )


def _collate_for_transducer(config: Any, examples: Sequence[Example]) -> Mapping[str, Tensor]:
    """Pad labels with what the model's loss does not count: blanks, or with durations the padding token."""
    padding = config.pad_token_id if hasattr(config, "durations") else config.blank_token_id
    return for_transducer(collate(examples), blank=config.blank_token_id, padding=padding)


def speller(tokenizer: Any) -> Callable[[str], list[int]]:
    """Return what turns a text into labels: its own tokens alone, since CTC needs no end of sentence.

    Where the vocabulary knows one case only, as many of wav2vec 2.0 know capitals only, the text is put in it.
    """
    words = set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens)
    capitals, small = any(map(str.isupper, words)), any(map(str.islower, words))

    def spell(text: str) -> list[int]:
        text = " ".join(text.split())
        if capitals != small:
            text = text.upper() if capitals else text.lower()
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    return spell


def _mask(recipe: Recipe, hearing: Hearing) -> SpecAugment | None:
    settings = recipe.augment.specaugment
    if settings is None or not hearing.mel_frames:
        return None
    return SpecAugment(**settings.model_dump(), stacked=hearing.mel_frames, normalized=hearing.normalized)


def evaluated(sets: Sets, processor: Any) -> list[SpeechSet]:
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
        SpeechSet(name, tuple(utterances), features(utterances, processor.feature_extractor))
        for name, utterances in read.items()
    ]


def encoder_frames(model: Any, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count the frames that the model writes for so many of its input."""
    return hearing_of(model).frames(model, torch.as_tensor(frames)).numpy().astype(np.int64)
