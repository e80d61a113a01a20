"""The demo corpus on disk: FLAC files and three manifests, made on the spot."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import numpy as np
import soundfile
from numpy.random import Generator

from secateur.counted import counted
from secateur.data.demo.grammar import sentences
from secateur.data.demo.noise import record
from secateur.data.demo.voices import SAMPLE_RATE, VOICES, Split, Voice, speak
from secateur.errors import DataError

SETTINGS_FILE = "corpus.json"
"""Says what the corpus was made from. A folder without it is not one."""

_EDITION = 1  # raise it when the same settings would no longer give the same speech
_FASTER = (0.9, 1.1)  # a speaker's own rate and pitch, from one utterance to the next
_HIGHER = (0.94, 1.06)


@final
@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A complete corpus: its folder and how many utterances each split has."""

    folder: Path
    seed: int
    train: int
    valid: int
    test: int

    def manifest(self, split: Split) -> Path:
        """The manifest of a split: JSON lines of ``audio_filepath``, ``duration`` in seconds, ``text``, ``speaker``."""
        return self.folder / f"{split}.jsonl"

    def count(self, split: Split) -> int:
        """Utterances of a split."""
        return {"train": self.train, "valid": self.valid, "test": self.test}[split]


def make(
    folder: Path,
    *,
    seed: int = 0,
    train: int = 1500,
    valid: int = 150,
    test: int = 250,
) -> Corpus:
    """Make the corpus in `folder`, or take the one that is there if it was made with the same settings.

    The same settings give the same bytes. Sentences and speakers of the three splits are disjoint, the speakers of a
    split take turns. The folder appears when it is complete: whatever stops the work leaves nothing under its name.
    The defaults are 88 minutes of speech in 109 MB, made in about 35 seconds on one core.

    Raises:
        DataError: the seed or a count is negative, a count is over what the grammar has, or the folder holds
            something else.
        MissingExtraError: the extra ``demo`` is not installed.
    """
    corpus = Corpus(folder=folder, seed=seed, train=train, valid=valid, test=test)
    for name, value in _settings(corpus).items():
        if value < 0:
            raise DataError(f"`{name}` must be 0 or more, but is {value}")
    if _is_complete(corpus):
        return corpus
    _check_is_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        built = Path(scratch, "corpus")
        _fill(replace(corpus, folder=built))
        _publish(built, corpus)
    return corpus


def _settings(corpus: Corpus) -> dict[str, int]:
    """All that decides what the corpus says and how it sounds."""
    counts = {split: corpus.count(split) for split in VOICES}
    return {"edition": _EDITION, "seed": corpus.seed, **counts}


def _is_complete(corpus: Corpus) -> bool:
    """Whether the folder holds just this corpus."""
    try:
        found = json.loads((corpus.folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return found == _settings(corpus)


def _check_is_free(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(
            f"`folder` must be new, empty, or hold a demo corpus of the same settings, but {folder} holds something "
            "else; remove it or name another"
        )


def _publish(built: Path, corpus: Corpus) -> None:
    """Give the finished folder its name; where another process was first with the same corpus, keep that one."""
    try:
        if corpus.folder.exists():
            corpus.folder.rmdir()  # it was empty
        built.rename(corpus.folder)
    except OSError:
        if not _is_complete(corpus):
            _check_is_free(corpus.folder)
            raise


def _fill(corpus: Corpus) -> None:
    for number, split in enumerate(VOICES):
        (corpus.folder / "audio" / split).mkdir(parents=True)
        lines: list[str] = []
        texts = sentences(corpus.count(split), split=split, seed=corpus.seed)
        for index, text in enumerate(counted(texts, f"speaking {split}", total=len(texts))):
            voice = VOICES[split][index % len(VOICES[split])]
            # Its own generator, so that an utterance does not depend on those before it.
            rng = np.random.default_rng([corpus.seed, number, index])
            lines.append(_utterance(corpus.folder, f"audio/{split}/{index:05}.flac", text=text, voice=voice, rng=rng))
        corpus.manifest(split).write_text("".join(lines), encoding="utf-8", newline="\n")
    settings = json.dumps(_settings(corpus), indent=2) + "\n"
    (corpus.folder / SETTINGS_FILE).write_text(settings, encoding="utf-8", newline="\n")


def _utterance(folder: Path, path: str, *, text: str, voice: Voice, rng: Generator) -> str:
    """Write one audio file; return its line of the manifest."""
    samples = record(speak(text, _mood(voice, rng)), rng)
    soundfile.write(folder / path, samples, SAMPLE_RATE, subtype="PCM_16", format="FLAC")
    line = {"audio_filepath": path, "duration": len(samples) / SAMPLE_RATE, "text": text, "speaker": voice.name}
    return json.dumps(line) + "\n"


def _mood(voice: Voice, rng: Generator) -> Voice:
    """The same speaker, a little faster or slower, higher or lower."""
    faster, higher = rng.uniform(*_FASTER), rng.uniform(*_HIGHER)
    low, high = (round(hertz * higher) for hertz in voice.pitch)
    return replace(voice, rate=round(voice.rate * faster), pitch=(low, high))
