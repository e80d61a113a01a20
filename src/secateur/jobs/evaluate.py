"""`secateur eval`: what a model gets wrong, alone or against another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from secateur.errors import ModelError, RequestError
from secateur.jobs.contenders import accelerated
from secateur.jobs.decoding import Decoding
from secateur.tasks import SPEECH, Judged, Task, asked_as, task_of

PLAIN = Decoding()
"""Greedy, without a language model."""


def evaluate(
    model: str,
    data: Sequence[str],
    *,
    against: str | None = None,
    decoding: Decoding = PLAIN,
    runtime: Literal["torch", "sparse"] = "torch",
) -> dict[str, Any]:
    """Measure a recognizer on manifests, or a language model on texts, and the paired difference to `against`.

    A recognizer is decoded greedily, or as `decoding` says: WER with interval, CER and counts. A language model is
    asked how much each sentence surprises it: perplexity with interval, per word and per token. `runtime` is what runs
    `model`; `against` always runs in PyTorch, so that the same model there shows what the runtime's rounding costs.

    Raises:
        RequestError: Weights are to be tuned on what is measured, or a language model is named twice.
        ModelError, DataError: A model or file is wrong.
        MissingExtraError: Beam search needs the extra ``decoding``, ``sparse`` the extra ``runtime``.
    """
    _check_once(decoding.lms)
    named = {_set_name(path, data): path for path in data}
    sets = {name: (path,) for name, path in named.items()}
    task = _task(model, against, decoding)
    asked = {"data": named, **({} if runtime == "torch" else {"runtime": runtime})}
    if decoding.searched:
        from secateur.jobs.rescore import evaluate_decoded

        return asked | evaluate_decoded(model, sets, against=against, decoding=decoding, runtime=runtime)
    with asked_as("MODEL"):
        judged = _judged(task, model, sets, runtime=runtime)
    report: dict[str, Any] = {"model": model, **asked, **judged.measures(), **judged.notes()}
    if against is not None:
        with asked_as("--against"):
            other = _judged(task, against, sets)
        report["against"] = {"model": against, **other.measures()}
        report["comparison"] = judged.compared(other)
    return report | judged.extent()


def _check_once(lms: Sequence[str]) -> None:
    twice = [lm for index, lm in enumerate(lms) if lm in lms[:index]]
    if twice:
        raise RequestError(f"`--lm` must name each language model once, but `{twice[0]}` is there twice")


def _task(model: str, against: str | None, decoding: Decoding) -> Task[Any, Any]:
    with asked_as("MODEL"):
        task = task_of(model)
    with asked_as("--against"):
        if against is not None and task_of(against) is not task:
            raise ModelError(
                f"`--against` must be what `{model}` is, a recognizer or a language model, but `{against}` is the "
                f"other: they cannot be compared"
            )
    if task is not SPEECH and decoding.searched:
        raise ModelError(
            f"`MODEL` must be a recognizer for `--decoder beam` and `--lm`, but `{model}` is a language model; name "
            f"the recognizer there, and the language model as `--lm`"
        )
    return task


def _judged(task: Task[Any, Any], name: str, sets: Mapping[str, tuple[str, ...]], *, runtime: str = "torch") -> Judged:
    model, processor = task.load(name), task.load_processor(name)
    if runtime == "sparse":
        model = accelerated(model, name)
    return task.judge(model, processor, task.read(sets, model, processor))


def _set_name(path: str, data: Sequence[str]) -> str:
    """Name a set after its file, or its whole path where several files share the name."""
    stem = Path(path).stem
    return stem if sum(Path(other).stem == stem for other in data) == 1 else path
