"""How a report begins: what was run, on what, by which version."""

from importlib.metadata import version
from typing import Any

from secateur.jobs.device import describe_device
from secateur.recipes import Recipe

SCHEMA = 1
"""Of `report.json`; raised only by a change that breaks its readers."""


def provenance(recipe: Recipe, command: str) -> dict[str, Any]:
    """Return schema, version, command, seed, device and the resolved recipe."""
    return {
        "schema": SCHEMA,
        "secateur": version("secateur"),
        "command": command,
        "seed": recipe.seed,
        "device": describe_device(),
        "recipe": recipe.model_dump(mode="json"),
    }
