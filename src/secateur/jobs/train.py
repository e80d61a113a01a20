"""`secateur train`: a dense model, from scratch or from a checkpoint."""

import time
from pathlib import Path
from typing import Any

from transformers import set_seed

from secateur.jobs import folder
from secateur.jobs.fit import fit, training_arguments
from secateur.jobs.measure import peak_memory, size, time_models
from secateur.jobs.provenance import provenance
from secateur.jobs.teach import teach
from secateur.recipes import Recipe, check
from secateur.tasks import Task, task_for

TRAINED = "dense"


def train(
    recipe: Recipe, out: Path | str, *, resume: bool = False, overwrite: bool = False, command: str = "secateur.train"
) -> dict[str, Any]:
    """Train a dense model and write its run folder; return the report.

    Raises:
        RecipeError, DataError, ModelError: The request is wrong; nothing was written.
        DivergedError: The loss is not a number; ``checkpoints/last-good`` holds the weights before.
    """
    check(recipe, verb="train")
    out = folder.claim(Path(out), resume=resume, overwrite=overwrite, recipe=recipe)
    training_arguments(recipe, out, validate=recipe.data.valid is not None)
    set_seed(recipe.seed)
    task = task_for(recipe)
    model, processor = _start(recipe, task)
    training = task.training(recipe, model, processor)
    distillation = teach(recipe, model, processor)
    valid, test = (task.read(recipe.data.sets(part), model, processor) for part in ("valid", "test"))
    folder.begin(out, recipe, overwrite=overwrite)
    started = time.monotonic()
    if recipe.trains:
        fit(
            recipe,
            task,
            model,
            processor,
            training=training,
            valid=valid,
            out=out,
            distillation=distillation,
            resume=resume,
        )
    trained = time.monotonic()
    model.eval()
    model.save_pretrained(out / folder.MODEL)
    processor.save_pretrained(out / folder.MODEL)
    judged = {name: task.judge(model, processor, sets) for name, sets in {"test": test, "valid": valid}.items()}
    if test:
        task.record(out / folder.RECORDS[task.metric], test, {TRAINED: judged["test"]})
    timed = time_models({TRAINED: model}, recipe.bench)
    measures = {
        **size(model, out / folder.MODEL),
        **judged["test"].measures(),
        **timed.measures(TRAINED),
        **peak_memory(out / folder.MODEL, timed),
    }
    report = {
        **provenance(recipe, command),
        TRAINED: measures,
        **({"valid": judged["valid"].measures()} if valid else {}),
        **judged["test"].notes(),
        **judged["valid"].notes(),
        "seconds": {"train": round(trained - started, 1), "evaluate": round(time.monotonic() - trained, 1)},
    }
    folder.write_json(out / folder.REPORT, report)
    return report


def _start(recipe: Recipe, task: Task[Any, Any]) -> tuple[Any, Any]:
    if recipe.model is not None:
        return task.load(recipe.model), task.load_processor(recipe.model)
    return task.start(recipe)
