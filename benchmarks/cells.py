"""One cell of a comparison: a run folder, and what of it is committed."""

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from secateur.data import read_all
from secateur.evaluation import word_errors
from secateur.jobs.device import describe_device
from secateur.jobs.folder import PLAN, SURPRISE, TRANSCRIPTS
from secateur.jobs.prune import prune
from secateur.jobs.train import train
from secateur.recipes import Recipe
from secateur.recipes.names import ZEROED
from secateur.whole_file import whole_file

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "runs" / "bench"
RESULTS = ROOT / "benchmarks" / "results"

NEIGHBOURS = 20
"""Sentences whose numbers are kept as one."""


class Task(NamedTuple):
    """Something to run, whose result lies in a file afterwards."""

    label: str
    run: Callable[[], object]
    needs: frozenset[str] = frozenset()
    """Experiments that it waits for, beyond those that its own waits for."""


def run_cell(name: str, row: str, recipe: Recipe) -> dict[str, Any]:
    """Run a cell, or go on with it where an interrupted run left it; write and return its result."""
    out = folder_of(name, row, recipe.seed)
    job = prune if recipe.sizes else train
    report = job(recipe, out, resume=out.is_dir(), command=f"python -m benchmarks {name}")
    result = {**report, "row": row, "seed": recipe.seed, "commit": commit(), **_counted(out, recipe), **zeros(out)}
    write(result_of(name, row, recipe.seed), result)
    return result


def folder_of(name: str, row: str, seed: int) -> Path:
    """Return the run folder of a cell, which is not committed."""
    return RUNS / name / f"{row}-{seed}"


def result_of(name: str, row: str, seed: int) -> Path:
    """Return where a cell's result lies."""
    return RESULTS / name / f"{row}-{seed}.json"


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Write a result so that no reader sees half of it."""
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1) + "\n")


def pooled(results: Iterable[Mapping[str, Any]], kept: str, field: str) -> Any:
    """Sum what cells keep of every utterance or piece of text over seeds: these are resampled, not the run."""
    return sum(np.concatenate([np.array(one[field]) for one in result[kept].values()]) for result in results)


def has_no_result(name: str, experiment: Mapping[str, Any]) -> bool:
    """Whether an experiment of a single result has none yet."""
    return not (RESULTS / f"{name}.json").is_file()


def write_result(name: str, experiment: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
    """Write and print an experiment's numbers, with its configuration, the machine and the commit in front."""
    head = {"experiment": name, "config": experiment, "device": describe_device(), "commit": commit()}
    write(RESULTS / f"{name}.json", {**head, **numbers})
    print(json.dumps(numbers, indent=1))


def commit() -> str:
    """Name the commit that is measured, and whether the tree differs from it.

    A copy without its history is told by the environment: ``SECATEUR_COMMIT``.
    """
    if named := os.environ.get("SECATEUR_COMMIT"):
        return named
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
    dirty = subprocess.run([*git, "status", "--porcelain", "src"], capture_output=True, text=True, check=True)
    return head.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")


def zeros(out: Path) -> dict[str, dict[str, float]]:
    """Return which share of every weight is zero, where single weights or tiles have left."""
    found = json.loads((out / PLAN).read_text())["sites"] if (out / PLAN).is_file() else []
    gone = {site["name"]: 1 - site["kept_count"] / site["units"] for site in found if site["granularity"] in ZEROED}
    return {"zeros": {name.partition(":")[0]: round(share, 4) for name, share in gone.items()}} if gone else {}


def _counted(out: Path, recipe: Recipe) -> dict[str, Any]:
    """Return what any later test of significance needs, and no transcript."""
    side = "pruned" if recipe.sizes else "dense"
    if (out / TRANSCRIPTS).is_file():
        return {"edits": _edits(_lines(out / TRANSCRIPTS), recipe, side)}
    return {"nats": _nats(_lines(out / SURPRISE), side) if (out / SURPRISE).is_file() else {}}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _nats(lines: Sequence[Mapping[str, Any]], side: str) -> dict[str, dict[str, list[float]]]:
    """Return -ln p and words of a language model's sentences, summed over neighbours, which are not independent."""
    found: dict[str, dict[str, list[float]]] = {}
    for name in dict.fromkeys(line["set"] for line in lines):
        mine = [line for line in lines if line["set"] == name]
        parts = [mine[start : start + NEIGHBOURS] for start in range(0, len(mine), NEIGHBOURS)]
        found[name] = {
            "nats": [round(sum(line[side] for line in part), 3) for part in parts],
            "words": [sum(line["words"] for line in part) for part in parts],
        }
    return found


def _edits(lines: Sequence[Mapping[str, Any]], recipe: Recipe, side: str) -> dict[str, dict[str, list[int]]]:
    """Return word edits and word counts per utterance."""
    found: dict[str, dict[str, list[int]]] = {}
    for name, paths in recipe.data.sets("test").items():
        mine = [line for line in lines if line["set"] == name]
        assert len(mine) == len(read_all(paths))
        errors = word_errors([line["reference"] for line in mine], [line[side] for line in mine])
        found[name] = {"edits": errors.word_edits.tolist(), "words": errors.word_counts.tolist()}
    return found
