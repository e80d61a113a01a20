"""A run folder as one record."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from secateur.errors import DataError
from secateur.report.bounded import NO_LINES, Lines, present, read_lines, read_object
from secateur.report.values import number

SCHEMA = 1
"""The schema of `report.json` and `plan.json` that this version reads."""


@final
@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run left in its folder."""

    name: str
    """The folder's own name."""

    folder: Path
    report: Mapping[str, object]
    plan: Mapping[str, object] | None = None
    log: Lines = NO_LINES
    transcripts: Lines = NO_LINES


def load_all(folder: Path) -> list[Run]:
    """Read a run folder, or those of all sizes under ``sizes`` that are complete, the largest first.

    Raises:
        DataError: As `load`.
    """
    sizes = [path.parent for path in folder.glob("sizes/*/report.json")] if not _is_run(folder) else []
    runs = [load(size) for size in sorted(sizes)] or [load(folder)]
    return sorted(runs, key=lambda run: number(run.report, ("target", "kept")) or 0.0, reverse=True)


def load(folder: Path) -> Run:
    """Read a run folder; only its `report.json` must be there.

    Raises:
        DataError: The folder has no `report.json`, or it or `plan.json` is not of schema 1.
    """
    if not _is_run(folder):
        raise DataError(f"`{folder}` must be a run folder, but has no report.json; name a folder that `prune` wrote")
    plan = folder / "plan.json"
    return Run(
        name=folder.resolve().name or str(folder),
        folder=folder,
        report=_of_schema(folder / "report.json"),
        plan=_of_schema(plan) if present(plan) else None,
        log=read_lines(folder / "log.jsonl"),
        transcripts=read_lines(folder / "transcripts.jsonl"),
    )


def _is_run(folder: Path) -> bool:
    return present(folder / "report.json")


def _of_schema(path: Path) -> Mapping[str, object]:
    found = read_object(path)
    schema = found.get("schema")
    if schema != SCHEMA:
        arrived = "absent" if schema is None else repr(schema)[:40]
        raise DataError(
            f"`schema` of {path} must be {SCHEMA}, but is {arrived}; read it with the secateur that wrote it"
        )
    return found
