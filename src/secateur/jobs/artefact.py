"""What a pruned model leaves in its folder: itself, its numbers, its page."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from secateur.checkpoint import save
from secateur.checkpoint.quantized import round_weights
from secateur.jobs import folder
from secateur.jobs.measure import compare, peak_memory, size, time_models
from secateur.jobs.once import Once
from secateur.jobs.provenance import provenance
from secateur.jobs.run import Run
from secateur.report import render
from secateur.report.sites import sites
from secateur.surgery import ranks
from secateur.tasks import Judged, model_folder


@final
@dataclass(frozen=True)
class Artefact:
    """A small model that has been trained, and where it goes; its plan lies there already."""

    model: Any
    out: Path
    target: Mapping[str, Any]
    """What was wanted and reached."""

    seconds: float
    """Of training."""


_judged_dense: Once[Judged] = Once()
"""What the last dense model was judged by: a sweep prunes the same one again and again."""


def complete(run: Run, made: Artefact) -> dict[str, Any]:
    """Save the model, measure it beside the dense one it came from, and write the report and the page."""
    if run.recipe.quantize is not None:
        round_weights(made.model, bits=run.recipe.quantize.bits)  # what was trained so lies there already
    save(made.model, run.processor, made.out / folder.MODEL)
    started = time.monotonic()
    measures = _measured(run, made)
    report = {
        **provenance(run.recipe, run.command),
        "target": dict(made.target),
        **_in_factors(made),
        **measures,
        "seconds": {"train": round(made.seconds, 1), "evaluate": round(time.monotonic() - started, 1)},
    }
    folder.write_json(made.out / folder.REPORT, report)
    render([made.out])
    return report


def _in_factors(made: Artefact) -> dict[str, Any]:
    """Return the rank of each layer that became two, and what was to and stayed whole, since two would be larger."""
    asked = [site for site in sites(folder.read_json(made.out / folder.PLAN)) if site.granularity == "rank"]
    if not asked:
        return {}
    found = ranks(made.model)
    whole = [one.module for one in asked if one.kept == one.units and one.module not in found]
    return {"low_rank": {"ranks": found, "whole": whole}}


def _measured(run: Run, made: Artefact) -> dict[str, Any]:
    """Measure both models, and write what each made of the test sets."""
    recipe, task = run.recipe, run.task
    assert recipe.model is not None
    folders = {"dense": model_folder(recipe.model), "pruned": made.out / folder.MODEL}
    models = {"dense": task.load(recipe.model), "pruned": made.model}
    judged = {
        "dense": _judged_dense(
            folders["dense"], recipe.data.sets("test"), lambda: task.judge(models["dense"], run.processor, run.test)
        ),
        "pruned": task.judge(models["pruned"], run.processor, run.test),
    }
    timed = time_models(models, recipe.bench)
    rounded = recipe.quantize.bits if recipe.quantize is not None else None
    measures = {
        name: {
            **size(models[name], where, bits=rounded if name == "pruned" else None),
            **judged[name].measures(),
            **timed.measures(name),
            **peak_memory(where, timed),
        }
        for name, where in folders.items()
    }
    if run.test:
        task.record(made.out / folder.RECORDS[task.metric], run.test, judged)
    comparison = {**compare(measures["dense"], measures["pruned"], judged), **timed.comparison()}
    within: dict[str, Any] = {}
    if recipe.rescore is not None:
        from secateur.jobs.rescore import rescored  # needs an extra

        [within["rescored"]] = rescored(recipe.rescore, dense=recipe.model, pruned=[str(made.out / folder.MODEL)])
    return {**measures, "comparison": comparison, **within, **judged["dense"].notes()}
