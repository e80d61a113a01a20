"""A dense model that other experiments start from."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cells import RESULTS, RUNS, Task, commit, write
from benchmarks.held_out import hold_out
from secateur.jobs.train import train
from secateur.recipes import load, recipe_from
from secateur.recipes.paths import expand


def missing(name: str, experiment: Mapping[str, Any]) -> bool:
    """Whether the model is not on this machine: results are committed, models are not."""
    return not (RUNS / name / "report.json").is_file()


def stages(name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
    """Give the training."""
    yield [Task(name, partial(run, name, experiment))]


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Train the model, or go on with it where an interrupted run left it; write its report."""
    if split := experiment.get("hold_out"):
        hold_out(Path(expand(split["manifest"])), split["every"], Path(split["folder"]))
    given = experiment["recipe"]
    recipe = load(given, verb="train") if isinstance(given, str) else recipe_from(given)
    out = RUNS / name
    report = train(recipe, out, resume=out.is_dir(), command=f"python -m benchmarks {name}")
    write(RESULTS / f"{name}.json", {**report, "commit": commit()})
