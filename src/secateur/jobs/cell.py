"""One cell of a sweep: a run folder, what it reports, and how it fails."""

import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from secateur.errors import SecateurError
from secateur.jobs import folder
from secateur.jobs.prune import prune
from secateur.jobs.sizes import branches
from secateur.recipes import Recipe
from secateur.recipes.names import SIZE
from secateur.report.load import load

ERROR = "error.txt"
"""Why a cell failed, in its folder."""


@final
@dataclass(frozen=True, kw_only=True)
class Work:
    """A prune that is to be done, here or on another machine."""

    name: str
    recipe: Recipe
    out: Path
    command: str


def reports_of(work: Work) -> list[Mapping[str, Any]]:
    """Return what a cell's run folder reports; nothing where its run has not finished.

    Of several sizes each has a report, with its name under `size`, the largest first; the run has finished when all
    have one, and the page that shows them, which is written last.

    Raises:
        DataError: A report is there and cannot be read.
    """
    if not work.recipe.targets:
        return [load(work.out).report] if (work.out / folder.REPORT).is_file() else []
    sizes = [branch.folder for branch in branches(work.recipe, work.out)]
    written = [work.out / folder.PAGE, *(size / folder.REPORT for size in sizes)]
    return [{SIZE: size.name, **load(size).report} for size in sizes] if all(map(Path.is_file, written)) else []


def run(work: Work) -> str | None:
    """Prune, going on where an earlier run was stopped; return why it failed, which is left in its folder too.

    Whatever happens in here is about this cell alone, so that the others go on.
    """
    try:
        (work.out / ERROR).unlink(missing_ok=True)
        prune(work.recipe, work.out, resume=True, command=work.command)
    except Exception as error:
        return leave_error(work, error)
    return None


def leave_error(work: Work, error: Exception) -> str:
    """Write why a cell failed into its folder, with the traceback where it was not foreseen, and return a sentence."""
    foreseen = isinstance(error, SecateurError)
    whole = str(error) if foreseen else "".join(traceback.format_exception(error)).strip()
    with suppress(OSError):  # a full disk, say: what is returned says why all the same
        work.out.mkdir(parents=True, exist_ok=True)
        (work.out / ERROR).write_text(f"{whole}\n", encoding="utf-8", errors="replace")
    return whole if foreseen else f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
