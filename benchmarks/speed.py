"""Does the forward get faster by what the multiply-accumulates promise?"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.big import random_gpt2, random_parakeet
from benchmarks.cells import has_no_result, write_result
from secateur.evaluation import dummy_inputs, macs, parameters
from secateur.families import family_of
from secateur.jobs.compose import compose
from secateur.jobs.factorise import layers_to_split, split_layers
from secateur.jobs.measure import LENGTH, time_models
from secateur.recipes import Bench, recipe_from
from secateur.surgery import shrink
from secateur.tasks.models import load_model

missing = has_no_result

MAKE: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {"parakeet": random_parakeet, "gpt2": random_gpt2}


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Prune in one shot and time dense and pruned in turn, per model, recipe and number of threads."""
    rows = [
        row
        for model in experiment["models"]
        for label, recipe in experiment["recipes"].items()
        for row in _rows(model, label, recipe, experiment)
    ]
    write_result(name, experiment, {"rows": rows})


def _rows(
    model: Mapping[str, Any], label: str, recipe: Mapping[str, Any], experiment: Mapping[str, Any]
) -> list[dict[str, Any]]:
    dense = MAKE[model["family"]](model["shape"]) if "shape" in model else load_model(_folder(model["folder"]))
    pruned = _pruned(dense, recipe)
    rows: list[dict[str, Any]] = []
    for threads in experiment["threads"]:
        settings = Bench(threads=threads, repeats=experiment["repeats"], **experiment["lengths"])
        timed = time_models({"dense": dense, "pruned": pruned}, settings)
        unit = LENGTH[timed.unit]
        for speedup in timed.speedups():
            length = speedup[unit]
            ratio = _macs(dense, length) / _macs(pruned, length)
            t = timed.timings[length]
            rows.append(
                {
                    "model": model["name"],
                    "recipe": label,
                    "threads": threads,
                    unit: length,
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
    model, recipe = copy.deepcopy(dense), recipe_from(fields)
    if recipe.method == "low_rank":
        split_layers(model, layers_to_split(recipe, model), {})
    pruning = compose(recipe, model)
    pruning.method.prepare(model, pruning.groups, total_steps=0)
    pruning.method.cut(1.0)
    shrink(model, pruning.groups, pruning.method.finish(), set_layers=family_of(model).set_layers)
    return model.eval()


def _macs(model: Any, length: float) -> int:
    return macs(model, dummy_inputs(model, length=length))[""]


def _folder(path: str) -> str:
    return str(recipe_from({"model": path}).model)
