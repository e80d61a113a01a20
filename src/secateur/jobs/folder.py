"""The run folder."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from secateur.errors import RequestError
from secateur.recipes import Recipe, dump

RECIPE, PLAN, MODEL, REPORT, LOG, TRANSCRIPTS = (
    "recipe.yaml",
    "plan.json",
    "model",
    "report.json",
    "log.jsonl",
    "transcripts.jsonl",
)


def claim(out: Path, *, resume: bool, overwrite: bool) -> Path:
    """Make sure that `out` may be written to. Nothing is created or deleted yet.

    Raises:
        RequestError: It is a file, or holds something and neither `resume` nor `overwrite` is given, or both are.
    """
    if resume and overwrite:
        raise RequestError("`--resume` and `--overwrite` exclude each other; give one")
    if out.exists() and not out.is_dir():
        raise RequestError(f"`--out` must be a folder, but `{out}` is a file; choose another name")
    if out.is_dir() and any(out.iterdir()) and not (resume or overwrite):
        raise RequestError(
            f"`--out` must be a new or empty folder, but `{out}` holds something; give `--resume` to go on, "
            f"`--overwrite` to replace it, or another name"
        )
    return out


def begin(out: Path, recipe: Recipe, *, overwrite: bool) -> None:
    """Create the folder and write the recipe; with `overwrite`, what an earlier run wrote is deleted first."""
    if overwrite and out.is_dir():
        _clear(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / RECIPE).write_text(dump(recipe))


def _clear(out: Path) -> None:
    """Delete what runs write, and nothing else: the folder may hold other things of the user's."""
    for name in (RECIPE, PLAN, REPORT, LOG, TRANSCRIPTS, "report.html"):
        (out / name).unlink(missing_ok=True)
    for name in (MODEL, "checkpoints"):
        shutil.rmtree(out / name, ignore_errors=True)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON so that a reader never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    part.replace(path)
