"""How long, and how much memory, a large model takes: each job in a fresh process."""

import multiprocessing
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.big import random_parakeet
from benchmarks.cells import has_no_result, write_result

PEAK = "VmHWM"


missing = has_no_result


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Plan and prune a large model with random weights."""
    with tempfile.TemporaryDirectory(dir=experiment.get("scratch")) as scratch:
        dense = str(Path(scratch, "dense"))
        _fresh(_make, experiment["shape"], dense)
        recipe = {**experiment["recipe"], "model": dense}
        jobs = {
            "plan": _fresh(_plan, recipe, ""),
            "prune": _fresh(_prune, recipe, str(Path(scratch, "pruned"))),
        }
    write_result(name, experiment, jobs)


def _fresh(job: Any, argument: Any, folder: str) -> dict[str, Any]:
    """Run a job in a process of its own; return its numbers, its seconds and its peak resident memory."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured, (job, argument, folder))


def _measured(job: Any, argument: Any, folder: str) -> dict[str, Any]:
    torch.set_num_threads(2)
    start = time.perf_counter()
    numbers = job(argument, folder)
    return {**numbers, "seconds": round(time.perf_counter() - start, 1), "peak_rss_bytes": _peak()}


def _peak() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(PEAK))
    return int(line.split()[1]) * 1024


def _make(shape: Mapping[str, Any], folder: str) -> dict[str, Any]:
    from secateur.training import character_processor

    model = random_parakeet(shape)
    model.save_pretrained(folder)
    character_processor(mel_bins=model.config.encoder_config.num_mel_bins).save_pretrained(folder)
    return {}


def _plan(recipe: Mapping[str, Any], folder: str) -> dict[str, Any]:
    import secateur

    found = secateur.plan(recipe)
    return {key: found[key] for key in ("target", "dense", "pruned")}


def _prune(recipe: Mapping[str, Any], folder: str) -> dict[str, Any]:
    import secateur

    report = secateur.prune(recipe, out=folder)
    return {key: report[key] for key in ("target", "dense", "pruned", "comparison")}
