"""What pruning adds to a training step."""

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.cells import has_no_result, write_result
from secateur.data import DurationBatches, collate
from secateur.jobs.compose import compose
from secateur.jobs.models import load_model, load_processor
from secateur.jobs.speech import training_speech
from secateur.recipes import recipe_from

RESAMPLES = 2000


missing = has_no_result


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Time the same step on the same batch with and without the method, in turn, a cut at every step that is due."""
    torch.set_num_threads(experiment["threads"])
    recipe = recipe_from(experiment["recipe"])
    assert recipe.model is not None
    speech = training_speech(recipe, load_model(recipe.model), load_processor(recipe.model))
    batches = list(DurationBatches(speech.durations, recipe.batch_seconds))
    plain, attached = load_model(recipe.model).train(), load_model(recipe.model).train()
    pruning = compose(recipe, attached)
    steps = experiment["steps"]
    pruning.method.prepare(attached, pruning.groups, total_steps=steps + experiment["warmup"])
    optimizers = {id(model): torch.optim.AdamW(model.parameters(), lr=1e-4) for model in (plain, attached)}
    seconds: list[tuple[float, float]] = []
    for step in range(1, steps + experiment["warmup"] + 1):
        batch = collate([speech.dataset[draw] for draw in batches[step % len(batches)]])
        base = _timed(lambda b=batch: _step(plain, b, optimizers[id(plain)]))
        ours = _timed(lambda b=batch, s=step: _pruned_step(attached, b, optimizers[id(attached)], pruning.method, s))
        seconds.append((base, ours))
    write_result(name, experiment, _summary(np.array(seconds[experiment["warmup"] :])))


def _step(model: Any, batch: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> None:
    model(**batch).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def _pruned_step(
    model: Any, batch: Mapping[str, Any], optimizer: torch.optim.Optimizer, method: Any, step: int
) -> None:
    model(**batch).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    method.step(step)
    optimizer.zero_grad()


def _timed(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _summary(seconds: np.ndarray[Any, Any]) -> dict[str, Any]:
    ratios = seconds[:, 1] / seconds[:, 0]
    draws = np.random.default_rng(0).integers(0, len(ratios), (RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(ratios[draws], axis=1), [0.025, 0.975])
    return {
        "steps": len(ratios),
        "median_s": {"plain": median(seconds[:, 0]), "pruning": median(seconds[:, 1])},
        "ratio": {"median": float(np.median(ratios)), "ci95": [float(low), float(high)]},
    }
