"""What language models make of text: how much each sentence surprises them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from secateur.evaluation import Surprise, interval, on_accelerator, paired, surprise
from secateur.tasks.task import Judged
from secateur.whole_file import whole_file

COUNTED = (
    "per word; each sentence by itself, its end predicted and counted as a word, an unknown word as the tokenizer's "
    "unknown token"
)
"""What a perplexity is of, in the words that a report prints."""


@final
@dataclass(frozen=True)
class TextSet:
    """A set of sentences that models are measured on."""

    name: str
    sentences: tuple[str, ...]


@final
@dataclass(frozen=True)
class Surprised(Judged):
    """How much sets surprised a model."""

    sets: dict[str, Surprise]

    def by_set(self) -> dict[str, dict[str, Any]]:
        """Return perplexities with interval and counts."""
        return {name: _numbers(found) for name, found in self.sets.items()}

    def together(self) -> dict[str, Any]:
        """Return the same over all sentences."""
        return _numbers(self._pooled())

    def compared(self, base: "Surprised") -> dict[str, Any]:
        """Return the perplexity over that of `base`, its interval, and the p-value of a paired bootstrap.

        The two may read other tokens, since words are counted.
        """
        if not self.sets:
            return {}
        a, b = base._pooled(), self._pooled()
        found = paired(a.nats, b.nats, a.words)
        return {
            "perplexity_ratio": float(np.exp(found.difference)),
            "perplexity_ratio_ci95": np.exp(found.ci95).tolist(),
            "p_value": found.p_value,
        }

    def notes(self) -> dict[str, str]:
        """Say what the perplexity is of."""
        return {"perplexity_counted": COUNTED} if self.sets else {}

    def _pooled(self) -> Surprise:
        parts = list(self.sets.values())
        return Surprise(
            nats=np.concatenate([part.nats for part in parts]),
            end_nats=np.concatenate([part.end_nats for part in parts]),
            tokens=np.concatenate([part.tokens for part in parts]),
            words=np.concatenate([part.words for part in parts]),
            unknown=sum(part.unknown for part in parts),
        )


def read_aloud(model: Any, tokenizer: Any, sets: Sequence[TextSet]) -> Surprised:
    """Measure every set."""
    with on_accelerator(model):
        return Surprised({s.name: surprise(model, tokenizer, s.sentences, bar=f"reading {s.name}") for s in sets})


def write_surprise(path: Path, sets: Sequence[TextSet], judged: Mapping[str, Surprised]) -> None:
    """Write -ln p of each sentence by each model, one JSON object per line, in the order of the text."""
    with whole_file(path) as part, part.open("w", encoding="utf-8") as file:
        for s in sets:
            found = {name: one.sets[s.name] for name, one in judged.items()}
            for i, words in enumerate(next(iter(found.values())).words):
                nats = {name: round(float(one.nats[i]), 4) for name, one in found.items()}
                file.write(json.dumps({"set": s.name, "words": int(words), **nats}) + "\n")


def _numbers(found: Surprise) -> dict[str, Any]:
    return {
        "perplexity": found.per_word,
        "perplexity_ci95": np.exp(interval(found.nats, found.words)).tolist(),
        "perplexity_per_token": found.per_token,
        "sentences": len(found.nats),
        "words": int(found.words.sum()),
        "tokens": int(found.tokens.sum()),
        "unknown_tokens": found.unknown,
    }
