"""What recognizers make of speech: transcripts, and the errors in them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from secateur.data import Features, Utterance
from secateur.decoding import transcribe
from secateur.evaluation import (
    NORMALIZER_NAME,
    WordErrors,
    interval,
    normalize,
    on_accelerator,
    paired,
    word_errors,
)
from secateur.tasks.task import Judged
from secateur.whole_file import whole_file


@final
@dataclass(frozen=True)
class SpeechSet:
    """A set of utterances that models are measured on."""

    name: str
    utterances: tuple[Utterance, ...]
    features: Features


@final
@dataclass(frozen=True)
class Heard(Judged):
    """What a model heard."""

    hypotheses: dict[str, list[str]]
    """Set -> one text per utterance."""

    errors: dict[str, WordErrors]

    seconds: float = 0.0
    """Of audio."""

    def by_set(self) -> dict[str, dict[str, Any]]:
        """Return WER with interval, CER and counts."""
        return {name: _rates(errors) for name, errors in self.errors.items()}

    def together(self) -> dict[str, Any]:
        """Return the same over all words."""
        return _rates(self._pooled())

    def compared(self, base: "Heard") -> dict[str, Any]:
        """Return how much higher the WER is than `base`'s, its interval, and the p-value of a paired bootstrap."""
        if not self.errors:
            return {}
        a, b = base._pooled(), self._pooled()
        found = paired(a.word_edits, b.word_edits, a.word_counts)
        return {
            "wer_difference": found.difference,
            "wer_difference_ci95": list(found.ci95),
            "p_value": found.p_value,
        }

    def counts(self) -> dict[str, list[int]]:
        """Return the wrong words and the words of every utterance."""
        pooled = self._pooled()
        return {"word_edits": pooled.word_edits.tolist(), "word_counts": pooled.word_counts.tolist()}

    def notes(self) -> dict[str, str]:
        """Name what was done to texts before words were counted, where any were."""
        return {"normalizer": NORMALIZER_NAME} if self.errors else {}

    def extent(self) -> dict[str, float]:
        """Return the seconds of audio."""
        return {"seconds_of_audio": round(self.seconds, 1)}

    def _pooled(self) -> WordErrors:
        fields = ("word_edits", "word_counts", "char_edits", "char_counts")
        return WordErrors(**{f: np.concatenate([getattr(e, f) for e in self.errors.values()]) for f in fields})


def listen(model: Any, processor: Any, sets: Sequence[SpeechSet]) -> Heard:
    """Transcribe every set greedily and count the errors."""
    with on_accelerator(model):
        return heard(sets, {s.name: transcribe(model, processor, s.features) for s in sets})


def heard(sets: Sequence[SpeechSet], hypotheses: dict[str, list[str]]) -> Heard:
    """Count the errors in what was made of every set: set -> one text per utterance."""
    errors = {s.name: word_errors([u.text for u in s.utterances], hypotheses[s.name]) for s in sets}
    return Heard(hypotheses, errors, sum(u.duration for s in sets for u in s.utterances))


def _rates(errors: WordErrors) -> dict[str, Any]:
    return {
        "wer": errors.wer,
        "wer_ci95": list(interval(errors.word_edits, errors.word_counts)),
        "cer": errors.cer,
        "utterances": errors.utterances,
        "words": errors.words,
    }


def write_transcripts(path: Path, sets: Sequence[SpeechSet], heard: Mapping[str, Heard]) -> None:
    """Write what each model made of each utterance, one JSON object per line; texts as the WER compares them."""
    with whole_file(path) as part, part.open("w", encoding="utf-8") as file:
        for s in sets:
            for i, utterance in enumerate(s.utterances):
                texts = {name: normalize(h.hypotheses[s.name][i]) for name, h in heard.items()}
                line = {
                    "set": s.name,
                    "id": utterance.key,
                    "audio_filepath": str(utterance.audio),
                    "reference": normalize(utterance.text),
                    **texts,
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
