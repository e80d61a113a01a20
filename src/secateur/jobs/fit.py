"""Train a model on a recipe's data, with or without a pruning method attached."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jiwer
from torch import nn
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from secateur.decoding import transcribe
from secateur.errors import DivergedError
from secateur.jobs.speech import Evaluated, TrainingSpeech
from secateur.recipes import Recipe
from secateur.training import LogFile, ProgressBar, PruningCallback, SpeechTrainer, arguments

LAST_GOOD = "last-good"


def fit(
    recipe: Recipe,
    model: Any,
    processor: Any,
    *,
    speech: TrainingSpeech,
    valid: Sequence[Evaluated],
    out: Path,
    pruning: PruningCallback | None = None,
    resume: bool = False,
) -> None:
    """Train `model` in place; with validation sets, the epoch with the best mean WER is what remains.

    Checkpoints go to ``out/checkpoints``, the log to ``out/log.jsonl``. With `resume`, the last checkpoint is taken
    up where there is one.

    Raises:
        DivergedError: The loss is not a number; the weights before that step are in ``checkpoints/last-good``.
    """
    method = pruning.method if pruning else None
    callbacks: list[TrainerCallback] = [ProgressBar("pruning" if pruning else "training")]
    callbacks += [pruning] if pruning else []
    folder = out / "checkpoints"
    trainer = SpeechTrainer(
        model,
        arguments(recipe.train, folder=folder, seed=recipe.seed, validate=bool(valid)),
        dataset=speech.dataset,
        durations=speech.durations,
        batch_seconds=recipe.batch_seconds,
        measure=(lambda m: mean_wer(m, processor, valid)) if valid else None,
        at_target=(lambda: method.at_target) if method else (lambda: True),
        callbacks=[*callbacks, LogFile(out / "log.jsonl", numbers=(lambda: method.numbers) if method else dict)],
    )
    last = get_last_checkpoint(str(folder)) if resume and folder.is_dir() else None
    try:
        trainer.train(resume_from_checkpoint=last)
    except DivergedError:
        model.save_pretrained(folder / LAST_GOOD)
        raise


def mean_wer(model: nn.Module, processor: Any, sets: Sequence[Evaluated]) -> dict[str, float]:
    """Return each set's WER as ``wer_<name>``, and their mean as ``wer``: sets count alike, whatever their size."""
    rates = {
        f"wer_{s.name}": jiwer.wer([u.text for u in s.utterances], transcribe(model, processor, s.features))
        for s in sets
    }
    return {**rates, "wer": sum(rates.values()) / len(rates)}
