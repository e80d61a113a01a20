"""Train a model on a recipe's data, with or without a pruning method attached."""

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainingArguments
from transformers.trainer import OPTIMIZER_NAME, SCHEDULER_NAME, TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME

from secateur.checkpoint import save
from secateur.distill import Distillation
from secateur.errors import DivergedError, RequestError
from secateur.jobs.folder import CHECKPOINTS, LOG
from secateur.recipes import Recipe
from secateur.tasks import Task, Training
from secateur.training import (
    DistillationCallback,
    EvenTrainer,
    LastGood,
    LogFile,
    OldCheckpoints,
    ProgressBar,
    PruningCallback,
    RoundingCallback,
    arguments,
    single_precision,
)
from secateur.training.distilling import NAME as DISTILLATION
from secateur.training.pruning import NAME as PRUNING
from secateur.training.rounding import NAME as ROUNDING

logger = logging.getLogger(__name__)

LAST_GOOD = "last-good"

STATES = (OPTIMIZER_NAME, SCHEDULER_NAME, "rng_state.pth", TRAINER_STATE_NAME)
"""What the Trainer writes beside the weights: it goes on without the first three, as if they were new."""

WEIGHTS = (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME)
"""Whole or in parts."""


def fit(
    recipe: Recipe,
    task: Task[Any, Any],
    model: Any,
    processor: Any,
    *,
    training: Training,
    valid: Sequence[Any],
    out: Path,
    pruning: PruningCallback | None = None,
    distillation: Distillation | None = None,
    beside: Sequence[TrainerCallback] = (),
    resume: bool = False,
) -> None:
    """Train `model` in place; with validation sets, the best epoch is what remains. `beside` are further callbacks.

    Checkpoints go to ``out/checkpoints``, the log to ``out/log.jsonl``. With `resume`, the last checkpoint is taken
    up where there is one. The model trains in single precision, and ends in its own and on the CPU, which is where it
    is measured.

    Raises:
        DivergedError: The loss is not a number; the weights before that step are in ``checkpoints/last-good``.
    """
    caches = getattr(model.config, "use_cache", None)
    given = training_arguments(recipe, out, validate=bool(valid))
    if recipe.train.get("bf16") and not given.bf16:
        logger.warning("this processor has no bfloat16 arithmetic: trained in float32 instead")
    with single_precision(model):
        distilling = DistillationCallback(distillation) if distillation else None
        riders = {PRUNING: pruning, DISTILLATION: distilling, ROUNDING: _rounding(recipe, model, pruning)}
        ours = [one for one in (pruning, distilling, *beside, riders[ROUNDING]) if one is not None]
        bar, good = ProgressBar("pruning" if pruning else "training"), LastGood(model)
        log = LogFile(out / LOG, numbers=partial(_numbers, pruning, distillation))
        trainer = EvenTrainer(
            model,
            given,
            dataset=training.dataset,
            sizes=training.sizes,
            batch_size=training.batch_size,
            collate=training.collate,
            measure=(lambda m: task.validate(m, processor, valid)) if valid else None,
            metric=task.metric,
            callbacks=[bar, good, *ours, log, OldCheckpoints(given)],
        )
        last = _resumable(out / CHECKPOINTS, _markers(riders)) if resume else None
        try:
            trainer.train(resume_from_checkpoint=last)
        except DivergedError:
            good.restore()
            _restore_cache(model, caches)
            save(model, processor, out / CHECKPOINTS / LAST_GOOD)
            raise
        finally:
            bar.stop()
    _restore_cache(model, caches)
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # what is measured is what is saved
    model.cpu()


def _rounding(recipe: Recipe, model: Any, pruning: PruningCallback | None) -> RoundingCallback | None:
    """Return what trains a pruned model as it will be rounded: from the moment when its structure is final."""
    if recipe.quantize is None or not recipe.sizes:
        return None
    ready = (lambda: True) if pruning is None else (lambda: pruning.method.at_target)
    return RoundingCallback(model, bits=recipe.quantize.bits, ready=ready)


def _restore_cache(model: Any, caches: bool | None) -> None:
    """Put back what a configuration says of caches: the library's Trainer switches them off, and would save it so."""
    if caches is not None:
        model.config.use_cache = caches


def training_arguments(recipe: Recipe, out: Path, *, validate: bool) -> TrainingArguments:
    """Build the Trainer's arguments; `prune` and `train` ask early, so that what is wrong with them is said early.

    Raises:
        RecipeError: `train` cannot be used.
        RequestError: There are several processes: batches of even sizes would not be shared evenly.
    """
    if (processes := int(os.environ.get("WORLD_SIZE") or 1)) > 1:
        raise RequestError(
            f"`secateur` must train in one process, but `WORLD_SIZE` is {processes}; use one card, or "
            f"`secateur.attach` in a Trainer of your own, which several may share"
        )
    return arguments(recipe.train, folder=out / CHECKPOINTS, seed=recipe.seed, validate=validate)


def _resumable(folder: Path, markers: Collection[str]) -> str | None:
    last = last_checkpoint(folder, markers)
    if last is None and any(folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*")):
        logger.warning("no checkpoint in `%s` is whole: training starts again", folder)
    return last


def last_checkpoint(folder: Path, markers: Collection[str]) -> str | None:
    """Return the newest checkpoint that has weights and all `markers`, or none.

    A run may have been killed while it wrote one, and who needs room may have deleted its largest files.
    """
    found = [
        path
        for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*")
        if all((path / name).is_file() for name in markers) and any((path / name).is_file() for name in WEIGHTS)
    ]
    return str(max(found, key=lambda path: int(path.name.rpartition("-")[2]))) if found else None


def _markers(riders: Mapping[str, object]) -> list[str]:
    """Name the files without which a run would not go on as it was: the Trainer's, and those of what rides on it."""
    ridden = [name for name, rider in riders.items() if rider is not None]
    return [*STATES, *(f"{name}.{kind}" for name in ridden for kind in ("safetensors", "json"))]


def _numbers(pruning: PruningCallback | None, distillation: Distillation | None) -> dict[str, float]:
    """Return what the log says beside the Trainer's own numbers."""
    sizes = pruning.method.numbers if pruning else {}
    return {**sizes, **(distillation.numbers() if distillation else {})}
