"""What a grid of language models says to the three findings of arXiv 2310.03424."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, median
from typing import Any

import numpy as np

from benchmarks.cells import pooled
from secateur.evaluation import paired

Results = Sequence[Mapping[str, Any]]
"""The seeds of a row."""

METHOD, SCHEDULE, CRITERION, SIZE = "method", "schedule", "criterion", "target.params"
AXES = METHOD, SCHEDULE, CRITERION, SIZE

DENSE = "dense"
"""The row of the unpruned model, trained on for as long."""

SCRATCH = "scratch-"
"""What the names of rows begin with that are as small from the start; the share of the parameters follows."""

MAGNITUDE = "magnitude"
ONE_SHOT, INCREMENTAL = "one-shot", "incremental"

LEVEL = 0.05
"""A p-value below it makes a row count as ahead or behind."""


def row(results: Results) -> dict[str, Any]:
    """Summarize the seeds of a cell: sizes and times of the first, perplexities and error rates of all."""
    first = results[0]
    model = first.get("pruned", first["dense"])
    perplexities = _perplexities(results)
    return {
        "axes": first["axes"],
        "seeds": [result["seed"] for result in results],
        **{key: model[key] for key in ("params", "embedding_params", "bytes", "macs_per_token")},
        "tokens_per_second": model.get("tokens_per_second"),  # zeros are not timed
        "nonzero_params": model.get("nonzero_params", model["params"]),
        "compressed_bytes": model.get("compressed_bytes"),  # the first results are of before it was measured
        "speedups": first.get("comparison", {}).get("speedups"),
        "perplexity": mean(perplexities),
        "perplexity_by_seed": perplexities,
        "perplexity_by_set": {name: s["perplexity"] for name, s in model.get("sets", {}).items()},
        **_rescored(results),
        "train_seconds": mean(result["seconds"]["train"] for result in results),
    }


def _perplexities(results: Results) -> list[float]:
    return [result.get("pruned", result["dense"])["perplexity"] for result in results]


def _perplexity(results: Results) -> float:
    return mean(_perplexities(results))


def against(ours: Results, base: Results) -> dict[str, Any]:
    """Return the perplexity of a row over another's, and the difference of their error rates in a recognizer.

    Both over the seeds that the two have, with intervals and the p-values of paired bootstraps: over pieces of the
    text, and over utterances, each with the sums of its seeds. Where sums were not kept, the ratio stands alone; where
    the two share no seed, there is nothing.
    """
    seeds = {one["seed"] for one in ours} & {one["seed"] for one in base}
    if not seeds:
        return {}
    a, b = ([one for one in rows if one["seed"] in seeds] for rows in (base, ours))
    found: dict[str, Any] = {"seeds_compared": sorted(seeds), "ratio": _perplexity(b) / _perplexity(a)}
    if all(one.get("nats") for one in (*a, *b)):
        test = paired(pooled(a, "nats", "nats"), pooled(b, "nats", "nats"), pooled(a, "nats", "words"))
        ratio, (low, high) = np.exp(test.difference), np.exp(test.ci95)
        found |= {"ratio": float(ratio), "ratio_ci95": [float(low), float(high)], "p_value": test.p_value}
    if all("word_edits" in one.get("rescored", {}).get("pruned", {}) for one in (*a, *b)):
        test = paired(_within(a, "word_edits"), _within(b, "word_edits"), _within(a, "word_counts"))
        found |= {"wer_difference": test.difference, "wer_difference_ci95": list(test.ci95), "wer_p": test.p_value}
    return found


def _within(results: Results, field: str) -> Any:
    """Sum what was counted of every utterance within the recognizer, over seeds."""
    return sum(np.array(one["rescored"]["pruned"][field]) for one in results)


def _rescored(results: Results) -> dict[str, Any]:
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
        "seconds_per_hypothesis": found[0]["pruned"].get("seconds_per_hypothesis"),
    }


def all_of(found: Mapping[str, Results]) -> dict[str, Any]:
    """Return the three findings, each with what it is counted from, and what is best over as small from scratch."""
    grid: Grid = {
        (*(axes[axis] for axis in AXES), tuple((axis, axes[axis]) for axis in axes if axis not in AXES)): results
        for results in found.values()
        if set(AXES) <= (axes := results[0]["axes"]).keys()
    }
    return {
        "data-driven against magnitude": _scenarios(_data_driven(grid)),
        "incremental over one-shot": _scenarios(_incremental(grid)),
        "best of each method": list(_trades(grid)),
        "best over as small from scratch": list(_from_scratch(grid, found)),
    }


Grid = Mapping[tuple[Any, ...], Results]
"""Method, schedule, criterion, size, and where a row stands on axes beyond these -> its seeds."""


def _scenarios(found: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Count how often a row is ahead of what it is compared with, and how often behind, at a level of 5 %."""
    each = [one for one in found if "ratio" in one]
    sure = [one for one in each if one.get("p_value", 1.0) < LEVEL]
    return {
        "scenarios": len(each),
        "tested": sum("p_value" in one for one in each),  # the first cells did not keep what that takes
        "ahead": sum(one["ratio"] < 1 for one in sure),
        "behind": sum(one["ratio"] > 1 for one in sure),
        "median_ratio": median(one["ratio"] for one in each) if each else None,
        "each": each,
    }


def _data_driven(grid: Grid) -> Iterator[dict[str, Any]]:
    """In every scenario, each other criterion over magnitude."""
    for (method, schedule, criterion, size, more), ours in grid.items():
        base = grid.get((method, schedule, MAGNITUDE, size, more))
        if base and criterion != MAGNITUDE:
            told = {METHOD: method, SCHEDULE: schedule, SIZE: size, CRITERION: criterion, **dict(more)}
            yield {**told, **against(ours, base)}


def _incremental(grid: Grid) -> Iterator[dict[str, Any]]:
    """For every method, criterion and size, incremental over one-shot pruning."""
    for (method, schedule, criterion, size, more), ours in grid.items():
        base = grid.get((method, ONE_SHOT, criterion, size, more))
        if base and schedule == INCREMENTAL:
            yield {METHOD: method, CRITERION: criterion, SIZE: size, **dict(more), **against(ours, base)}


def _from_scratch(grid: Grid, found: Mapping[str, Results]) -> Iterator[dict[str, Any]]:
    """At every size that was trained from scratch too, the best row of each method over that."""
    for key in _best(grid):
        scratch = found.get(f"{SCRATCH}{key[3]}")
        if scratch:
            told = {**dict(zip(AXES, key[:-1], strict=True)), **dict(key[-1])}
            yield {**told, "perplexity": _perplexity(grid[key]), **against(grid[key], scratch)}


def _trades(grid: Grid) -> Iterator[dict[str, Any]]:
    """At every size, the row of each method with the lowest perplexity, and how fast it is."""
    for key in _best(grid):
        chosen = row(grid[key])
        told = {name: chosen.get(name) for name in ("perplexity", "wer", "speedups", "bytes")}
        yield {SIZE: key[3], METHOD: key[0], SCHEDULE: key[1], CRITERION: key[2], **dict(key[-1]), **told}


def _best(grid: Grid) -> Iterator[tuple[Any, ...]]:
    """At every size, the row of each method with the lowest perplexity."""
    for size in dict.fromkeys(key[3] for key in grid):
        for method in dict.fromkeys(key[0] for key in grid):
            mine = [key for key in grid if key[0] == method and key[3] == size]
            if mine:
                yield min(mine, key=lambda key: _perplexity(grid[key]))
