"""What pruning and distillation add to a training step."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.cells import has_no_result, write_result
from secateur.data import EvenBatches
from secateur.jobs.compose import compose
from secateur.jobs.teach import teach
from secateur.recipes import recipe_from
from secateur.tasks import task_for

RESAMPLES = 2000

PLAIN = "plain"

Step = Callable[[Mapping[str, Any], int], None]


missing = has_no_result


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Time the same step on the same batch as every variant takes it, in turn, after a plain one."""
    torch.set_num_threads(experiment["threads"])
    recipe = recipe_from(experiment["shared"])
    assert recipe.model is not None
    task = task_for(recipe)
    training = task.training(recipe, task.load(recipe.model), task.load_processor(recipe.model))
    batches = list(EvenBatches(training.sizes, training.batch_size))
    total = experiment["steps"] + experiment["warmup"]
    variants = {one: _step(experiment, one, total) for one in (PLAIN, *experiment["variants"])}
    seconds: list[list[float]] = []
    for step in range(1, total + 1):
        batch = training.collate([training.dataset[draw] for draw in batches[step % len(batches)]])
        seconds.append([_timed(take, batch, step) for take in variants.values()])
    write_result(name, experiment, _summary(list(variants), np.array(seconds[experiment["warmup"] :])))


def _step(experiment: Mapping[str, Any], name: str, total: int) -> Step:
    """Return the step of a model with what a variant attaches to it, a method, a teacher, or both: the Trainer's order.

    The plain one has neither. With `train: {bf16: true}`, forwards are in bfloat16, as the Trainer has them.
    """
    recipe = recipe_from({**experiment["shared"], **experiment["variants"].get(name, {})})
    assert recipe.model is not None
    task = task_for(recipe)
    model = task.load(recipe.model).train()
    low = bool(recipe.train.get("bf16"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    pruning = compose(recipe, model) if recipe.target else None
    if pruning:
        pruning.method.prepare(model, pruning.groups, total_steps=total)
    distillation = teach(recipe, model, task.load_processor(recipe.model))

    def take(batch: Mapping[str, Any], step: int) -> None:
        if pruning:
            pruning.method.begin(step)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if pruning:
            pruning.method.gather(step)
        optimizer.step()
        if pruning:
            pruning.method.step(step)
        if distillation:
            distillation.step()
        optimizer.zero_grad()

    return take


def _timed(take: Step, batch: Mapping[str, Any], step: int) -> float:
    start = time.perf_counter()
    take(batch, step)
    return time.perf_counter() - start


def _summary(names: list[str], seconds: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return medians, and of every variant the ratio to the plain step of the same turn."""
    draws = np.random.default_rng(0).integers(0, len(seconds), (RESAMPLES, len(seconds)))
    found: dict[str, Any] = {}
    for place, name in enumerate(names):
        found[name] = {"median_s": float(median(seconds[:, place]))}
        if name != PLAIN:
            ratios = seconds[:, place] / seconds[:, names.index(PLAIN)]
            low, high = np.quantile(np.median(ratios[draws], axis=1), [0.025, 0.975])
            found[name]["ratio"] = {"median": float(np.median(ratios)), "ci95": [float(low), float(high)]}
    return {"steps": len(seconds), "variants": found}
