"""A dense model that other experiments start from."""

import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from benchmarks.cells import RESULTS, ROOT, RUNS, Task, commit, write
from benchmarks.held_out import hold_out
from secateur.jobs.train import train
from secateur.recipes import load, recipe_from
from secateur.recipes.paths import expand

MODELS = ROOT / "benchmarks" / "models"

WEIGHTS = "model.safetensors"


def missing(name: str, experiment: Mapping[str, Any]) -> bool:
    """Whether the model is not on this machine."""
    if experiment.get("keep"):
        return not _same(MODELS / name / WEIGHTS, model_of(name) / WEIGHTS)
    return not (RUNS / name / "report.json").is_file()


def stages(name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
    """Give the training."""
    yield [Task(name, partial(run, name, experiment))]


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Take the model that is committed; where there is none, train it, or go on where an interrupted run left it.

    Rows of one table start from one model, also where they are run on several machines, and training differs between
    machines by more than what they show. So a model with ``keep: true`` is committed, in half precision for the sake
    of its size, and what the rows start from are those values in single precision.
    """
    if split := experiment.get("hold_out"):
        hold_out(Path(expand(split["manifest"])), split["every"], Path(split["folder"]))
    kept = MODELS / name
    if not kept.is_dir():
        _train(name, experiment)
        if not experiment.get("keep"):
            return
        recast(model_of(name), kept, torch.float16)
    recast(kept, model_of(name), torch.float32)


def model_of(name: str) -> Path:
    """Return where rows find the model."""
    return RUNS / name / "model"


def recast(source: Path, target: Path, dtype: torch.dtype) -> None:
    """Copy a model's folder with its floating-point weights in another precision; half a copy is not left behind."""
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part)
    weights = load_file(part / WEIGHTS)
    cast = {tensor: value.to(dtype) if value.is_floating_point() else value for tensor, value in weights.items()}
    save_file(cast, part / WEIGHTS, metadata={"format": "pt"})
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


def _same(kept: Path, here: Path) -> bool:
    """Whether a model here has the values of the one that is committed."""
    if not (kept.is_file() and here.is_file()):
        return False
    wanted, found = load_file(kept), load_file(here)
    return wanted.keys() == found.keys() and all(
        torch.equal(wanted[name].to(found[name]), found[name]) for name in wanted
    )


def _train(name: str, experiment: Mapping[str, Any]) -> None:
    given = experiment["recipe"]
    recipe = load(given, verb="train") if isinstance(given, str) else recipe_from(given)
    out = RUNS / name
    report = train(recipe, out, resume=out.is_dir(), command=f"python -m benchmarks {name}")
    write(RESULTS / f"{name}.json", {**report, "commit": commit()})
