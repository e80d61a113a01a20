"""`secateur eval`: what a model gets wrong, alone or against another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from secateur.errors import ModelError
from secateur.tasks import Judged, Task, task_of


def evaluate(model: str, data: Sequence[str], *, against: str | None = None) -> dict[str, Any]:
    """Measure a recognizer on manifests, or a language model on texts, and the paired difference to `against`.

    A recognizer is decoded greedily: WER with interval, CER and counts. A language model is asked how much each
    sentence surprises it: perplexity with interval, per word and per token.

    Raises:
        ModelError, DataError: A model or file is wrong.
    """
    sets = {_set_name(path, data): (path,) for path in data}
    task = task_of(model)
    if against is not None and task_of(against) is not task:
        raise ModelError(
            f"`--against` must be what `{model}` is, a recognizer or a language model, but `{against}` is the other: "
            f"they cannot be compared"
        )
    judged = _judged(task, model, sets)
    report: dict[str, Any] = {"model": model, **judged.measures(), **judged.notes()}
    if against is not None:
        other = _judged(task, against, sets)
        report["against"] = {"model": against, **other.measures()}
        report["comparison"] = judged.compared(other)
    return report | judged.extent()


def _judged(task: Task[Any, Any], name: str, sets: dict[str, tuple[str, ...]]) -> Judged:
    model, processor = task.load(name), task.load_processor(name)
    return task.judge(model, processor, task.read(sets, model, processor))


def _set_name(path: str, data: Sequence[str]) -> str:
    """Name a set after its file, or its whole path where several files share the name."""
    stem = Path(path).stem
    return stem if sum(Path(other).stem == stem for other in data) == 1 else path
