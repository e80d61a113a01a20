"""`secateur eval`: word error rates of a recognizer, alone or against another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from secateur.jobs.measure import Heard, accuracy, difference, listen, normalizer
from secateur.jobs.models import load_processor, load_recognizer
from secateur.jobs.speech import Evaluated, evaluated


def evaluate(model: str, data: Sequence[str], *, against: str | None = None) -> dict[str, Any]:
    """Transcribe manifests greedily; return WER with interval, CER and counts, and the paired difference to `against`.

    Raises:
        ModelError, DataError: A model or manifest is wrong.
    """
    sets = {_set_name(path, data): (path,) for path in data}
    heard, speech = _heard(model, sets)
    report: dict[str, Any] = {"model": model, **accuracy(heard), **normalizer(heard)}
    if against is not None:
        other, _ = _heard(against, sets)
        report["against"] = {"model": against, **accuracy(other)}
        report["comparison"] = difference(other, heard)
    return report | {"seconds_of_audio": round(sum(u.duration for s in speech for u in s.utterances), 1)}


def _heard(name: str, sets: dict[str, tuple[str, ...]]) -> tuple[Heard, list[Evaluated]]:
    model, processor = load_recognizer(name), load_processor(name)
    speech = evaluated(sets, processor)
    return listen(model, processor, speech), speech


def _set_name(path: str, data: Sequence[str]) -> str:
    """Name a set after its file, or its whole path where several files share the name."""
    stem = Path(path).stem
    return stem if sum(Path(other).stem == stem for other in data) == 1 else path
