"""Speech that is made up and recognizers so small that a whole job takes a second.

Each utterance is a chord of tones per character over a little noise: nothing to understand, but no two are alike.
"""

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from secateur.data import EvenBatches, Features, SpeechDataset
from secateur.data.manifest import Utterance, read
from secateur.evaluation import speedup
from secateur.training import EvenTrainer, character_processor, parakeet_ctc

RATE = 16_000
MELS, WIDTH, LAYERS, HEADS, UNITS = 16, 16, 2, 2, 24
SHAPE = {
    "hidden_size": WIDTH,
    "layers": LAYERS,
    "heads": HEADS,
    "intermediate_size": UNITS,
    "conv_kernel_size": 5,
    "subsampling_factor": 4,
    "subsampling_channels": 4,
    "mel_bins": MELS,
}
TEXTS = ("yes", "no", "go on", "stop it", "a cat", "left", "right", "be quiet")
FEW = {"seconds": [0.3], "repeats": 2}
"""What `bench` measures in tests that do not care."""


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads another's cache, or asks the Hub."""
    monkeypatch.setenv("SECATEUR_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(autouse=True)
def no_process_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peak memory takes a process of some seconds, intervals thousands of medians: tests/evaluation has both."""
    monkeypatch.setattr("secateur.jobs.measure.peak_rss_bytes", lambda folder, **_: 123_456_789)
    monkeypatch.setattr("secateur.jobs.measure.speedup", partial(speedup, resamples=20))


def samples(text: str, seconds: float, *, rate: int = RATE) -> np.ndarray:
    """A tone per character, one after the other."""
    noise = np.random.default_rng(sum(map(ord, text))).normal(0, 0.01, round(seconds * rate))
    parts = np.array_split(np.arange(len(noise)) / rate, max(1, len(text)))
    tones = [np.sin(2 * np.pi * (40 * ord(c) - 3000) * part) for c, part in zip(text or " ", parts, strict=True)]
    return (noise + 0.3 * np.concatenate(tones)).astype(np.float32)


def write_audio(path: Path, text: str = "yes", seconds: float = 0.6, *, rate: int = RATE, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mono = samples(text, seconds, rate=rate)
    soundfile.write(path, np.stack([mono] * channels, axis=1) if channels > 1 else mono, rate)
    return path


def write_manifest(path: Path, texts: Sequence[str] = TEXTS, *, rate: int = RATE, **changed: Any) -> Path:
    """Speak `texts`, each for 0.1 s per character and then some; `changed` overrides keys of the first line."""
    records = []
    for i, text in enumerate(texts):
        seconds = round(0.4 + 0.1 * len(text) + 0.01 * i, 2)
        audio = write_audio(path.parent / path.stem / f"{i}.wav", text, seconds, rate=rate)
        records.append({"audio_filepath": f"{path.stem}/{audio.name}", "text": text, "duration": seconds})
    records[0] |= changed
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def processor(*, rate: int = RATE) -> Any:
    return character_processor(mel_bins=MELS, sampling_rate=rate)


def recognizer(*, seed: int = 0, dropout: float = 0.1, **shape: Any) -> Any:
    import torch

    torch.manual_seed(seed)
    return parakeet_ctc(**{**SHAPE, **shape}, dropout=dropout, vocab_size=len(processor().tokenizer)).eval()


def save_recognizer(folder: Path, **options: Any) -> Path:
    model = recognizer(**options)
    model.save_pretrained(folder)
    processor().save_pretrained(folder)
    return folder


def fields(folder: Path, **changed: Any) -> dict[str, Any]:
    """A recipe that prunes a tiny recognizer in `folder`, on speech that is written there too."""
    if not (folder / "dense").is_dir():
        save_recognizer(folder / "dense")
        write_manifest(folder / "train.jsonl")
        write_manifest(folder / "test.jsonl", TEXTS[:3])
    return {
        "model": str(folder / "dense"),
        "data": {"train": str(folder / "train.jsonl"), "test": str(folder / "test.jsonl")},
        "augment": {"speed": None},
        "batch_seconds": 2.0,
        "criterion": "magnitude",
        "target": {"params": 0.8},
        "train": {"max_steps": 0},
        "bench": FEW,
        **changed,
    }


def dataset(folder: Path, *, mask: Any = None, seed: int = 0) -> tuple[SpeechDataset, np.ndarray, list[Utterance]]:
    """What a trainer reads: the utterances of a small manifest, and their seconds."""
    from secateur.data import features

    utterances = read(write_manifest(folder / "speech.jsonl"))
    tokens = processor().tokenizer
    labels = [tuple(tokens(utterance.text)["input_ids"]) for utterance in utterances]
    stored = features(utterances, processor().feature_extractor)
    return SpeechDataset([stored], labels, mask=mask, seed=seed), stored.lengths / 100, utterances


def stored(lengths: Sequence[int], *, bins: int = 3) -> Features:
    """Features of utterances of these lengths: frame t of utterance i holds 100 i + t + 1 in every bin."""
    ends = np.cumsum(lengths)
    rows = np.concatenate([100.0 * i + 1 + np.arange(n) for i, n in enumerate(lengths)])
    return Features(np.repeat(rows[:, None], bins, axis=1), ends - lengths, ends)


def drawn(batches: EvenBatches) -> list[list[int]]:
    """The utterances of each batch."""
    return [[index for _, index in batch] for batch in batches]


class MachineDownError(Exception):
    """What stands in for a power cut."""


@contextmanager
def stopping(
    monkeypatch: pytest.MonkeyPatch, *, after: int | None = None, after_forwards: int | None = None
) -> Iterator[None]:
    """What trains in here is stopped in the forward after so many optimizer steps, or so many forwards in all."""
    compute_loss, forwards = EvenTrainer.compute_loss, itertools.count()

    def interrupted(self: Any, *args: Any, **kwargs: Any) -> Any:
        if next(forwards) == after_forwards or self.state.global_step == after:
            raise MachineDownError
        return compute_loss(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(EvenTrainer, "compute_loss", interrupted)
        with pytest.raises(MachineDownError):
            yield


def spoil(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Let the speech be NaN after so many optimizer steps: the forward spoils the running statistics, then the loss."""
    compute_loss = EvenTrainer.compute_loss

    def spoilt(self: Any, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        factor = np.nan if self.state.global_step == after else 1.0
        return compute_loss(
            self, model, {**inputs, "input_features": factor * inputs["input_features"]}, *args, **kwargs
        )

    monkeypatch.setattr(EvenTrainer, "compute_loss", spoilt)


def real_data() -> Path:
    """Return where real speech lies; skip, saying so, where it does not."""
    folder = Path(os.environ.get("SECATEUR_DATA") or Path(__file__).parents[2] / "shared" / "data").resolve()
    if not (folder / "models" / "parakeet-ctc-an4-digits").is_dir() or not (folder / "an4").is_dir():
        pytest.skip(f"real speech and its recognizer are not in {folder}; set SECATEUR_DATA to where they are")
    return folder
