"""The run folder."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from secateur.errors import RequestError
from secateur.recipes import Recipe, dump, read, recipe_from
from secateur.whole_file import write_whole

RECIPE, PLAN, MODEL, REPORT, PAGE, LOG, TRANSCRIPTS, SURPRISE, CHECKPOINTS, SIZES = (
    "recipe.yaml",
    "plan.json",
    "model",
    "report.json",
    "report.html",
    "log.jsonl",
    "transcripts.jsonl",
    "surprise.jsonl",
    "checkpoints",
    "sizes",
)

RECORDS = {"wer": TRANSCRIPTS, "perplexity": SURPRISE}
"""What models are judged by -> the file with what each made of each example."""

AFTERWARDS = ("bench", "rescore")
"""Fields for measuring what has been trained."""


def claim(out: Path, *, resume: bool, overwrite: bool, recipe: Recipe | None = None) -> Path:
    """Make sure that `out` may be written to. Nothing is created or deleted yet.

    Raises:
        RequestError: It is a file, cannot be created, holds something and neither `resume` nor `overwrite` is given,
            both are given, it holds the model that the recipe starts from, or the run to resume had another recipe.
    """
    if resume and overwrite:
        raise RequestError("`--resume` and `--overwrite` exclude each other; give one")
    if out.exists() and not out.is_dir():
        raise RequestError(f"`--out` must be a folder, but `{out}` is a file; choose another name")
    _check_writable(out)
    if out.is_dir() and any(out.iterdir()) and not (resume or overwrite):
        raise RequestError(
            f"`--out` must be a new or empty folder, but `{out}` holds something; give `--resume` to go on, "
            f"`--overwrite` to replace it, or another name"
        )
    if recipe is not None and recipe.model is not None:
        _check_apart(out, Path(recipe.model))
    if recipe is not None and resume:
        _check_same(out / RECIPE, recipe)
    return out


def _check_writable(out: Path) -> None:
    nearest = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise RequestError(f"`--out` must be a folder that can be written to, but `{nearest}` cannot; choose another")


def _check_apart(out: Path, model: Path) -> None:
    if model.is_dir() and any(
        model.resolve().is_relative_to((out / name).resolve()) for name in (MODEL, CHECKPOINTS, SIZES)
    ):
        raise RequestError(
            f"`--out` must not hold the model that the run starts from, but `{model}` lies where the new one would be "
            f"written; choose another name"
        )


def _check_same(written: Path, recipe: Recipe) -> None:
    """Make sure that a run goes on with the recipe that it began with: another one would be a third model.

    Until there is a report, what is measured after training may change.
    """
    if not written.is_file():
        return
    out = written.parent
    measured = (out / REPORT).is_file() or any((out / SIZES).glob(f"*/{REPORT}"))
    free: dict[str, Any] = {} if measured else dict.fromkeys(AFTERWARDS)
    begun, wanted = (one.model_copy(update=free) for one in (recipe_from(read(written)), recipe))
    if begun != wanted:
        before, now = (set(dump(one).splitlines()) for one in (begun, wanted))
        lines = "; ".join(sorted(line.strip() for line in now - before) or sorted(before - now))
        raise RequestError(
            f"`--resume` must be given the recipe that the run began with, but `{written}` does not say "
            f"{lines[:200]!r}; give that recipe, or `--overwrite` to begin anew"
        )


def begin(out: Path, recipe: Recipe, *, overwrite: bool) -> None:
    """Create the folder and write the recipe; with `overwrite`, what an earlier run wrote is deleted first."""
    if overwrite and out.is_dir():
        clear(out)
    out.mkdir(parents=True, exist_ok=True)
    write_recipe(out, recipe)


def write_recipe(out: Path, recipe: Recipe) -> None:
    """Write the recipe as resolved."""
    write_whole(out / RECIPE, dump(recipe))


def clear(out: Path) -> None:
    """Delete what runs write, and nothing else: the folder may hold other things of the user's."""
    for name in (RECIPE, PLAN, REPORT, PAGE, LOG, *RECORDS.values()):
        (out / name).unlink(missing_ok=True)
    for name in (MODEL, CHECKPOINTS, SIZES):
        shutil.rmtree(out / name, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises:
        RequestError: It is not there whole.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RequestError(
            f"`{path}` must be what an earlier run wrote, but cannot be read ({error}); begin anew with `--overwrite`"
        ) from None


def write_json(path: Path, value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Write JSON so that a reader never sees half of it."""
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
