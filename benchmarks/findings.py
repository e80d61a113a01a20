"""What a grid of language models says to the three findings of arXiv 2310.03424."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean, median
from typing import Any

Row = Mapping[str, Any]
Rows = Mapping[str, Row]

METHOD, SCHEDULE, CRITERION, SIZE = "method", "schedule", "criterion", "target.params"
AXES = METHOD, SCHEDULE, CRITERION, SIZE

MAGNITUDE = "magnitude"
ONE_SHOT, INCREMENTAL = "one-shot", "incremental"


def row(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Summarize the seeds of a cell: sizes and times of the first, perplexities and error rates of all."""
    first = results[0]
    model = first.get("pruned", first["dense"])
    perplexities = [result.get("pruned", result["dense"])["perplexity"] for result in results]
    return {
        "axes": first["axes"],
        "seeds": [result["seed"] for result in results],
        **{key: model[key] for key in ("params", "embedding_params", "bytes", "macs_per_token")},
        "tokens_per_second": model.get("tokens_per_second"),  # zeros are not timed
        "nonzero_params": model.get("nonzero_params", model["params"]),
        "speedups": first.get("comparison", {}).get("speedups"),
        "perplexity": mean(perplexities),
        "perplexity_by_seed": perplexities,
        "perplexity_by_set": {name: s["perplexity"] for name, s in model.get("sets", {}).items()},
        "perplexity_ratio_ci95": first.get("comparison", {}).get("perplexity_ratio_ci95"),
        **_rescored(results),
        "train_seconds": mean(result["seconds"]["train"] for result in results),
    }


def _rescored(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return error rates within the recognizer: the mean over seeds, the interval and the test of the first."""
    found = [result["rescored"] for result in results if "rescored" in result]
    if not found:
        return {}
    return {
        "wer": mean(one["pruned"]["wer"] for one in found),
        "wer_ci95": found[0]["pruned"]["wer_ci95"],
        "wer_dense": found[0]["dense"]["wer"],
        "wer_without": found[0]["without"]["wer"],
        "wer_oracle": found[0]["oracle"]["wer"],
        "against_dense": found[0]["comparison"],
        "seconds_per_hypothesis": found[0]["pruned"].get("seconds_per_hypothesis"),
    }


def all_of(rows: Rows) -> dict[str, Any]:
    """Return the three findings, each with what it is counted from."""
    grid = {tuple(r["axes"][axis] for axis in AXES): r for r in rows.values() if set(AXES) <= r["axes"].keys()}
    return {
        "data-driven against magnitude": list(_data_driven(grid)),
        "incremental over one-shot": list(_incremental(grid)),
        "best of each method": list(_trades(grid)),
    }


Grid = Mapping[tuple[Any, ...], Row]
"""Method, schedule, criterion, size -> a row."""


def _data_driven(grid: Grid) -> Iterator[dict[str, Any]]:
    """In every scenario the perplexity of magnitude, and of every other criterion over it."""
    for (method, schedule, criterion, size), ours in grid.items():
        if criterion == MAGNITUDE:
            others = {
                key[2]: other["perplexity"] / ours["perplexity"]
                for key, other in grid.items()
                if (key[0], key[1], key[3]) == (method, schedule, size) and key[2] != MAGNITUDE
            }
            yield {METHOD: method, SCHEDULE: schedule, SIZE: size, MAGNITUDE: ours["perplexity"], "over it": others}


def _incremental(grid: Grid) -> Iterator[dict[str, Any]]:
    """At every size, the perplexity of incremental over that of one-shot pruning: the median and each."""
    for size in _distinct(grid, lambda key: key[3]):
        ratios = {
            f"{method}, {criterion}": grid[method, INCREMENTAL, criterion, size]["perplexity"] / one_shot["perplexity"]
            for (method, schedule, criterion, at), one_shot in grid.items()
            if schedule == ONE_SHOT and at == size and (method, INCREMENTAL, criterion, size) in grid
        }
        if ratios:
            yield {SIZE: size, "median": median(ratios.values()), "each": ratios}


def _trades(grid: Grid) -> Iterator[dict[str, Any]]:
    """At every size, the row of each method with the lowest perplexity, and how fast it is."""
    for size in _distinct(grid, lambda key: key[3]):
        for method in _distinct(grid, lambda key: key[0]):
            mine = {key: r for key, r in grid.items() if key[0] == method and key[3] == size}
            if mine:
                best = min(mine, key=lambda key: mine[key]["perplexity"])
                chosen = mine[best]
                told = {key: chosen.get(key) for key in ("perplexity", "wer", "speedups", "bytes")}
                yield {SIZE: size, METHOD: method, SCHEDULE: best[1], CRITERION: best[2], **told}


def _distinct(grid: Grid, part: Callable[[tuple[Any, ...]], Any]) -> list[Any]:
    return list(dict.fromkeys(map(part, grid)))
