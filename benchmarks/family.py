"""Several sizes from one run against a run for each size alone: steps and perplexity."""

import json
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from benchmarks.cells import Task, has_no_result, result_of, run_cell, write_result
from secateur.recipes import Recipe, load
from secateur.schedules import last_step

FAMILY = "family"

missing = has_no_result


def stages(name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
    """Give all sizes from one run, and each alone."""
    yield [
        Task(f"{name}: {row}, seed {recipe.seed}", partial(run_cell, name, row, recipe))
        for row, recipe in _recipes(experiment).items()
        if not result_of(name, row, recipe.seed).is_file()
    ]


def summarize(name: str, experiment: Mapping[str, Any]) -> None:
    """Write how they compare, once all are there."""
    paths = {row: result_of(name, row, recipe.seed) for row, recipe in _recipes(experiment).items()}
    if all(path.is_file() for path in paths.values()):
        write_result(name, experiment, compared({row: json.loads(path.read_text()) for row, path in paths.items()}))


def compared(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return, per size, both perplexities and their ratio; the steps of all sizes over those of one."""
    family = found[FAMILY]
    alone = [result for row, result in found.items() if row != FAMILY]
    pairs = zip(family["sizes"], alone, strict=True)
    together, each = steps(family["sizes"][0]["recipe"]), steps(alone[0]["recipe"])
    return {
        "steps": {FAMILY: together, "each alone": each},
        "steps_over_one": together / each,
        "rows": [
            {
                "target": ours["target"]["kept"],
                "params": ours["pruned"]["params"],
                "dense": ours["dense"]["perplexity"],
                "family": ours["pruned"]["perplexity"],
                "family_ci95": ours["pruned"]["perplexity_ci95"],
                "alone": own["pruned"]["perplexity"],
                "alone_ci95": own["pruned"]["perplexity_ci95"],
                "family_over_alone": ours["pruned"]["perplexity"] / own["pruned"]["perplexity"],
                "family_over_dense": ours["pruned"]["perplexity"] / ours["dense"]["perplexity"],
            }
            for ours, own in pairs
        ],
    }


def _recipes(experiment: Mapping[str, Any]) -> dict[str, Recipe]:
    """Return the run of all sizes, and one per size with nothing else changed."""
    family = load(experiment["recipe"], experiment["overrides"], verb="prune")
    alone = {size.name: family.model_copy(update={"targets": None, "target": size}) for size in family.sizes}
    return {FAMILY: family, **alone}


def steps(recipe: Mapping[str, Any]) -> int:
    """Count the optimizer's steps that a recipe takes: of several sizes, those of the main run and of every branch."""
    given = int(recipe["train"]["max_steps"])
    if "targets" not in recipe:
        return given
    return last_step(recipe["schedule"]["end"], given) + len(recipe["targets"]) * math.ceil(recipe["cool_down"] * given)
