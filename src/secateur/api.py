"""What the verbs do, from Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from secateur.jobs.attach import Attached, attach
from secateur.jobs.bench import bench
from secateur.jobs.cluster import Cluster
from secateur.jobs.decoding import Decoding
from secateur.jobs.evaluate import evaluate
from secateur.jobs.export import export
from secateur.jobs.plan import plan as _plan
from secateur.jobs.prune import prune as _prune
from secateur.jobs.sweep import sweep as _sweep
from secateur.jobs.train import train as _train
from secateur.jobs.transcribe import transcribe
from secateur.recipes import Recipe, Sweep, Verb, load, load_sweep, recipe_from, sweep_from

Source = Recipe | str | Path | Mapping[str, Any]
"""A recipe, the name of a shipped one, a YAML file, or the fields themselves."""

SweepSource = Sweep | str | Path | Mapping[str, Any]
"""The same of a sweep."""

__all__ = [
    "Attached",
    "Cluster",
    "Decoding",
    "attach",
    "bench",
    "evaluate",
    "export",
    "plan",
    "prune",
    "sweep",
    "train",
    "transcribe",
]


def train(recipe: Source, *overrides: str, out: Path | str, **options: Any) -> dict[str, Any]:
    """Train a dense model; see `secateur.jobs.train.train`. `options`: ``resume``, ``overwrite``."""
    return _train(_recipe(recipe, overrides, verb="train"), out, **options)


def prune(recipe: Source, *overrides: str, out: Path | str, **options: Any) -> dict[str, Any]:
    """Prune a model; see `secateur.jobs.prune.prune`. `options`: ``resume``, ``overwrite``.

    report = secateur.prune("prune-half", "model=runs/dense/model", out="runs/half")
    """
    return _prune(_recipe(recipe, overrides, verb="prune"), out, **options)


def plan(recipe: Source, *overrides: str, **options: Any) -> dict[str, Any]:
    """Say what would leave; see `secateur.jobs.plan.plan`. `options`: ``runtimes``."""
    return _plan(_recipe(recipe, overrides, verb="plan"), **options)


def sweep(source: SweepSource, *overrides: str, out: Path | str, **options: Any) -> list[dict[str, Any]]:
    """Prune in every way that a grid says; see `secateur.jobs.sweep.sweep`.

    `options`: ``cluster``, ``resume``, ``overwrite``.
    """
    return _sweep(_sweep_of(source, overrides), out, **options)


def _sweep_of(source: SweepSource, overrides: tuple[str, ...]) -> Sweep:
    if isinstance(source, str | Path):
        return load_sweep(source, overrides)
    return sweep_from(source.model_dump(mode="json") if isinstance(source, Sweep) else source, overrides)


def _recipe(source: Source, overrides: tuple[str, ...], *, verb: Verb) -> Recipe:
    if isinstance(source, str | Path):
        return load(source, overrides, verb=verb)
    if isinstance(source, Recipe):
        return recipe_from(source.model_dump(mode="json"), overrides) if overrides else source
    return recipe_from(source, overrides)
