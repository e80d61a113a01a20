"""Does the forward get faster by what the multiply-accumulates promise?"""

import copy
from collections.abc import Mapping
from typing import Any

from benchmarks.big import random_parakeet
from benchmarks.cells import has_no_result, write_result
from secateur.evaluation import dummy_inputs, macs, parameters
from secateur.families import family_of
from secateur.jobs.compose import compose
from secateur.jobs.measure import time_models
from secateur.recipes import Bench, recipe_from
from secateur.surgery import shrink
from secateur.tasks.models import load_model

missing = has_no_result


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Prune in one shot and time dense and pruned in turn, per model and number of threads."""
    rows = [row for model in experiment["models"] for row in _rows(model, experiment)]
    write_result(name, experiment, {"rows": rows})


def _rows(model: Mapping[str, Any], experiment: Mapping[str, Any]) -> list[dict[str, Any]]:
    dense = random_parakeet(model["shape"]) if "shape" in model else load_model(_folder(model["folder"]))
    pruned = _pruned(dense, experiment["recipe"])
    rows: list[dict[str, Any]] = []
    for threads in experiment["threads"]:
        settings = Bench(seconds=tuple(experiment["seconds"]), threads=threads, repeats=experiment["repeats"])
        timed = time_models({"dense": dense, "pruned": pruned}, settings)
        for speedup in timed.speedups():
            seconds = speedup["audio_seconds"]
            ratio = _macs(dense, seconds) / _macs(pruned, seconds)
            t = timed.timings[seconds]
            rows.append(
                {
                    "model": model["name"],
                    "threads": threads,
                    "audio_seconds": seconds,
                    "params": [parameters(dense), parameters(pruned)],
                    "mac_reduction": ratio,
                    "speedup": speedup["median"],
                    "speedup_ci95": speedup["ci95"],
                    "speedup_over_mac_reduction": speedup["median"] / ratio,
                    "median_s": [t["dense"].median_s, t["pruned"].median_s],
                    "p90_s": [t["dense"].p90_s, t["pruned"].p90_s],
                }
            )
    return rows


def _pruned(dense: Any, fields: Mapping[str, Any]) -> Any:
    model = copy.deepcopy(dense)
    pruning = compose(recipe_from(fields), model)
    pruning.method.prepare(model, pruning.groups, total_steps=0)
    pruning.method.cut(1.0)
    shrink(model, pruning.groups, pruning.method.finish(), set_layers=family_of(model).set_layers)
    return model.eval()


def _macs(model: Any, seconds: float) -> int:
    return macs(model, dummy_inputs(model, length=seconds))[""]


def _folder(path: str) -> str:
    return str(recipe_from({"model": path}).model)
