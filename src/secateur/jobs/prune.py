"""`secateur prune`: the main job."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from transformers import set_seed

from secateur.checkpoint import save, write_plan
from secateur.distill import Distillation
from secateur.families import family_of
from secateur.group import Masks
from secateur.jobs import folder
from secateur.jobs.calibrate import calibrate, some_batches
from secateur.jobs.compose import Pruning, compose, require_data
from secateur.jobs.factorise import factorise
from secateur.jobs.fit import fit, training_arguments
from secateur.jobs.measure import compare, peak_memory, size, time_models
from secateur.jobs.provenance import provenance
from secateur.jobs.target import target_report
from secateur.jobs.teach import teach
from secateur.methods import Scheduled
from secateur.recipes import Recipe, check
from secateur.report import render
from secateur.surgery import shrink
from secateur.tasks import Task, Training, model_folder, task_for
from secateur.training import PruningCallback, reestimate


def prune(
    recipe: Recipe, out: Path | str, *, resume: bool = False, overwrite: bool = False, command: str = "secateur.prune"
) -> dict[str, Any]:
    """Prune a model to an exact size, measure it against the dense one, write the run folder; return the report.

    Raises:
        RecipeError, DataError, ModelError, TargetError: The request is wrong; nothing was written.
        DivergedError: The loss is not a number; ``checkpoints/last-good`` holds the weights before.
    """
    check(recipe, verb="prune")
    assert recipe.model is not None
    out = folder.claim(Path(out), resume=resume, overwrite=overwrite, recipe=recipe)
    training_arguments(recipe, out, validate=recipe.data.valid is not None)
    set_seed(recipe.seed)
    task = task_for(recipe)
    model, processor = task.load(recipe.model), task.load_processor(recipe.model)
    factorise(recipe, task, model, processor)
    pruning = compose(recipe, model)
    require_data(recipe, pruning)
    training = task.training(recipe, model, processor) if recipe.data.train and recipe.trains else None
    distillation = teach(recipe, model, processor)
    scored = _scored(recipe, task, model, processor, pruning)
    valid, test = (task.read(recipe.data.sets(part), model, processor) for part in ("valid", "test"))
    folder.begin(out, recipe, overwrite=overwrite)
    started = time.monotonic()
    masks = _cut(
        recipe,
        task,
        model,
        processor,
        pruning,
        training=training,
        scored=scored,
        distillation=distillation,
        valid=valid,
        out=out,
        resume=resume,
    )
    trained = time.monotonic()
    _write_model(model, processor, pruning, masks, out)
    measures = _measure(recipe, task, model, processor, test, out)
    report = {
        **provenance(recipe, command),
        "target": target_report(pruning.method.budget, model, masks, pruning.groups),
        **measures,
        "seconds": {"train": round(trained - started, 1), "evaluate": round(time.monotonic() - trained, 1)},
    }
    folder.write_json(out / folder.REPORT, report)
    render([out])
    return report


def _one_shot(recipe: Recipe, pruning: Pruning) -> Scheduled | None:
    """Return the method if it cuts everything before any training."""
    method = pruning.method
    if isinstance(method, Scheduled) and (method.starts_cut or not recipe.trains):
        return method
    return None


def _scored(recipe: Recipe, task: Task[Any, Any], model: Any, processor: Any, pruning: Pruning) -> Training | None:
    """Return what scores are taken on before any training, where they look at data at all."""
    method = _one_shot(recipe, pruning)
    return task.training(recipe, model, processor, plain=True) if method and method.needs_batches else None


def _cut(
    recipe: Recipe,
    task: Task[Any, Any],
    model: Any,
    processor: Any,
    pruning: Pruning,
    *,
    training: Training | None,
    scored: Training | None,
    distillation: Distillation | None,
    valid: Sequence[Any],
    out: Path,
    resume: bool,
) -> Masks:
    """Score and mask, in training or in one shot."""
    settled = partial(_reestimate, recipe, model, training or scored)
    callback = PruningCallback(pruning.method, model, pruning.groups, settled=settled)
    method = _one_shot(recipe, pruning)
    if method is not None:
        callback.prepare(0)
        if scored is not None:
            calibrate(model, scored, recipe, observe=method.observe)
        method.cut(1.0)
        settled()
    if recipe.trains:
        assert training is not None
        fit(
            recipe,
            task,
            model,
            processor,
            training=training,
            valid=valid,
            out=out,
            pruning=callback,
            distillation=distillation,
            resume=resume,
        )
    model.eval()
    return pruning.method.finish()


def _reestimate(recipe: Recipe, model: Any, training: Training | None) -> None:
    """Let the batch norms see the model as it is cut, where the recipe gives them batches."""
    if training is not None and recipe.reestimate_batches:
        reestimate(model, some_batches(model, training, recipe, count=recipe.reestimate_batches))


def _write_model(model: Any, processor: Any, pruning: Pruning, masks: Masks, out: Path) -> None:
    family = family_of(model)
    shrink(model, pruning.groups, masks, set_layers=family.set_layers)
    save(model, processor, out / folder.MODEL)
    write_plan(out / folder.PLAN, pruning.groups, masks, family=family.name)


def _measure(
    recipe: Recipe, task: Task[Any, Any], model: Any, processor: Any, test: Sequence[Any], out: Path
) -> dict[str, Any]:
    """Measure the pruned model beside the dense one it came from."""
    assert recipe.model is not None
    dense_folder, pruned_folder = model_folder(recipe.model), out / folder.MODEL
    models = {"dense": task.load(recipe.model), "pruned": model}
    judged = {name: task.judge(m, processor, test) for name, m in models.items()}
    timed = time_models(models, recipe.bench)
    measures = {
        name: {
            **size(models[name], where),
            **judged[name].measures(),
            **timed.measures(name),
            **peak_memory(where, timed),
        }
        for name, where in {"dense": dense_folder, "pruned": pruned_folder}.items()
    }
    if test:
        task.record(out / folder.TRANSCRIPTS, test, judged)
    speedups = timed.speedups()
    comparison = {
        **compare(measures["dense"], measures["pruned"], judged),
        "speedup": {key: speedups[0][key] for key in ("median", "ci95")},
        "speedups": speedups,
    }
    return {**measures, "comparison": comparison, **judged["dense"].notes()}
