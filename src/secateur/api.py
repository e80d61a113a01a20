"""What the verbs do, from Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from secateur.jobs.attach import Attached, attach
from secateur.jobs.bench import bench
from secateur.jobs.decoding import Decoding
from secateur.jobs.evaluate import evaluate
from secateur.jobs.plan import plan as _plan
from secateur.jobs.prune import prune as _prune
from secateur.jobs.train import train as _train
from secateur.jobs.transcribe import transcribe
from secateur.recipes import Recipe, Verb, load, recipe_from

Source = Recipe | str | Path | Mapping[str, Any]
"""A recipe, the name of a shipped one, a YAML file, or the fields themselves."""

__all__ = ["Attached", "Decoding", "attach", "bench", "evaluate", "plan", "prune", "train", "transcribe"]


def train(recipe: Source, *overrides: str, out: Path | str, **options: Any) -> dict[str, Any]:
    """Train a dense model; see `secateur.jobs.train.train`. `options`: ``resume``, ``overwrite``."""
    return _train(_recipe(recipe, overrides, verb="train"), out, **options)


def prune(recipe: Source, *overrides: str, out: Path | str, **options: Any) -> dict[str, Any]:
    """Prune a model; see `secateur.jobs.prune.prune`. `options`: ``resume``, ``overwrite``.

    report = secateur.prune("prune-half", "model=runs/dense/model", out="runs/half")
    """
    return _prune(_recipe(recipe, overrides, verb="prune"), out, **options)


def plan(recipe: Source, *overrides: str) -> dict[str, Any]:
    """Say what would leave; see `secateur.jobs.plan.plan`."""
    return _plan(_recipe(recipe, overrides, verb="plan"))


def _recipe(source: Source, overrides: tuple[str, ...], *, verb: Verb) -> Recipe:
    if isinstance(source, str | Path):
        return load(source, overrides, verb=verb)
    if isinstance(source, Recipe):
        return recipe_from(source.model_dump(mode="json"), overrides) if overrides else source
    return recipe_from(source, overrides)
