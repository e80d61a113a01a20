"""Several sizes from one run against a run for each size alone: steps, seconds and perplexity."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cells import Task, folder_of, has_no_result, result_of, run_cell, write, write_result
from secateur.jobs.folder import LOG, SIZES
from secateur.recipes import Recipe, load

FAMILY = "family"

missing = has_no_result


def stages(name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
    """Give all sizes from one run, and each alone."""
    yield [
        Task(f"{name}: {row}, seed {recipe.seed}", partial(_run_cell, name, row, recipe))
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
    return {
        "steps": {"family": family["steps"], "each alone": alone[0]["steps"]},
        "steps_over_one": family["steps"] / alone[0]["steps"],
        "train_seconds": {FAMILY: _seconds(family["sizes"]), "all alone": _seconds(alone)},
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


def _run_cell(name: str, row: str, recipe: Recipe) -> None:
    result = run_cell(name, row, recipe)
    steps = sum(_steps(folder_of(name, row, recipe.seed)))
    write(result_of(name, row, recipe.seed), {**result, "steps": steps})


def _steps(out: Path) -> Iterator[int]:
    """Give the optimizer steps of a run, and of each branch off it."""
    for log in (out / LOG, *(out / SIZES).glob(f"*/{LOG}")):
        if log.is_file():
            yield max((json.loads(line).get("step", 0) for line in log.read_text().splitlines()), default=0)


def _seconds(results: list[Mapping[str, Any]]) -> float:
    return sum(result["seconds"]["train"] for result in results)
