"""Rows of a comparison: several ways to the same size, several seeds, against one base."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.cells import RESULTS, Task, pooled, result_of, run_cell, write
from secateur.evaluation import interval, paired
from secateur.recipes import Recipe, recipe_from


def stages(name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
    """Give what is missing, one seed of every row before the next seed."""
    yield [
        Task(f"{name}: {row}, seed {seed}", partial(run_cell, name, row, recipe_of(experiment, row, seed)))
        for row, seed in _missing(name, experiment)
    ]


def summarize(name: str, experiment: Mapping[str, Any]) -> None:
    """Write what the cells say together, as far as they are there."""
    write(RESULTS / f"{name}.json", summary(name, experiment))


def missing(name: str, experiment: Mapping[str, Any]) -> bool:
    """Whether a cell has no result yet."""
    return bool(_missing(name, experiment))


def recipe_of(experiment: Mapping[str, Any], row: str, seed: int) -> Recipe:
    """Merge what all rows share with a row's own fields, field by field; only the first seed is timed."""
    fields = {**experiment["shared"], **experiment["rows"][row], "seed": seed}
    return recipe_from(fields if seed == _seeds(experiment, row)[0] else {**fields, "bench": None})


def _missing(name: str, experiment: Mapping[str, Any]) -> list[tuple[str, int]]:
    """List the cells without a result, in the order they are run."""
    wanted = [(row, seed) for row in experiment["rows"] for seed in _seeds(experiment, row)]
    cells = sorted(wanted, key=lambda cell: cell[1])  # stable: rows keep their order
    return [(row, seed) for row, seed in cells if not _result(name, experiment, row, seed).is_file()]


def _result(name: str, experiment: Mapping[str, Any], row: str, seed: int) -> Path:
    """Return where a cell's result lies: a row may be that of another experiment, under the same name."""
    return result_of(experiment.get("borrowed", {}).get(row, name), row, seed)


def _seeds(experiment: Mapping[str, Any], row: str) -> list[int]:
    return experiment.get("more_seeds", {}).get(row, experiment["seeds"])


def summary(name: str, experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Pool the seeds of every row, and compare with the base and its rivals on the seeds that both have."""
    cells = {row: _cells(name, experiment, row) for row in experiment["rows"]}
    base = cells[experiment["base"]]
    rivals = experiment.get("rivals", {})
    rows = {
        row: {**_row(found, base), "over": {rival: _over(found, cells[rival]) for rival in rivals.get(row, ())}}
        for row, found in cells.items()
        if found
    }
    return {"experiment": name, "base": experiment["base"], "rows": rows}


def _cells(name: str, experiment: Mapping[str, Any], row: str) -> dict[int, dict[str, Any]]:
    paths = {seed: _result(name, experiment, row, seed) for seed in _seeds(experiment, row)}
    return {seed: json.loads(path.read_text()) for seed, path in paths.items() if path.is_file()}


def _row(cells: Mapping[int, dict[str, Any]], base: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    first = next(iter(cells.values()))
    measures = [cell.get("pruned", cell["dense"]) for cell in cells.values()]
    edits, words = _edits(cells, list(cells))
    found = {
        "seeds": list(cells),
        "params": measures[0]["params"],
        "nonzero_params": measures[0]["nonzero_params"],
        "bytes": measures[0]["bytes"],
        "compressed_bytes": measures[0].get("compressed_bytes"),  # the first results are of before it was measured
        "zeros": _zeros(cells),
        "macs_per_audio_second": mean(m["macs_per_audio_second"] for m in measures),
        "wer": float(edits.sum() / words.sum()),
        "wer_ci95": list(interval(edits, words)),
        "wer_by_seed": {seed: m["wer"] for seed, m in zip(cells, measures, strict=True)},
        "wer_of_test": _of_test(cells.values()),
        "wer_by_set": {s: mean(m["sets"][s]["wer"] for m in measures) for s in measures[0].get("sets", ())},
        "speedup": first.get("comparison", {}).get("speedups"),
        "train_seconds": mean(cell["seconds"]["train"] for cell in cells.values()),
    }
    return found if cells is base else {**found, **_over(cells, base)}


def _of_test(cells: Iterable[dict[str, Any]]) -> float | None:
    """Return the error rate over the test sets alone, if there are any: the dev sets have chosen the epoch."""
    kept = [counts for cell in cells for name, counts in cell["edits"].items() if name.endswith("test")]
    return sum(sum(one["edits"]) for one in kept) / sum(sum(one["words"]) for one in kept) if kept else None


def _over(cells: Mapping[int, dict[str, Any]], base: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """Return a row's error rate over another's, and a paired test of the two; nothing where they share no seed."""
    common = [seed for seed in cells if seed in base]
    if not common:
        return {}
    ours, words = _edits(cells, common)
    theirs, _ = _edits(base, common)
    difference = paired(theirs, ours, words)
    return {
        "seeds_compared": common,
        "ratio": float(ours.sum() / theirs.sum()),
        "wer_difference": difference.difference,
        "wer_difference_ci95": list(difference.ci95),
        "p_value": difference.p_value,
    }


def _zeros(cells: Mapping[int, dict[str, Any]]) -> list[float] | None:
    """Return the smallest and the largest share of zeros of any weight; the first results have not kept them."""
    shares = [share for cell in cells.values() for share in cell.get("zeros", {}).values()]
    return [min(shares), max(shares)] if shares else None


def _edits(cells: Mapping[int, dict[str, Any]], seeds: list[int]) -> tuple[Any, Any]:
    """Return the word edits and the words of every utterance, over seeds."""
    some = [cells[seed] for seed in seeds]
    return pooled(some, "edits", "edits"), pooled(some, "edits", "words")
