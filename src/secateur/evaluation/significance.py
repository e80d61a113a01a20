"""How sure an error rate is, and whether two rates differ: the bootstrap over utterances.

A resample draws as many utterances as there are, with replacement, and computes the rate anew:

    rate* = sum of edits* / sum of counts*

Utterances with the same counts are interchangeable, so we draw how often each distinct row of counts appears (one
multinomial draw) instead of drawing utterances: the same distribution, over hundreds of rows instead of 50 000. Sums of
nats are all distinct and gain nothing: there utterances are drawn, many times as fast as drawing how often each
appears.

Source: Bisani & Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from secateur.errors import DataError, RequestError

RESAMPLES = 10_000
"""Bisani & Ney's number of replications; the smallest p-value is about its reciprocal."""

CI = 0.95
"""Level of the intervals that reports call ci95."""

BLOCK_ENTRIES = 4_000_000
"""Draws held at once: 32 MB of int64, whatever the number of utterances."""

TIE = 1e-12
"""Rates closer than this are equal: sums of integers are exact, only the divisions round."""

Numbers = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]
"""Counts, or sums such as nats; the sums of integers stay exact."""


@final
@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Rate of b minus rate of a on the same utterances; below zero, b is better."""

    difference: float
    ci95: tuple[float, float]
    p_value: float


def interval(
    edits: Numbers, counts: Numbers, *, resamples: int = RESAMPLES, seed: int = 0, level: float = CI
) -> tuple[float, float]:
    """Percentile interval of ``edits.sum() / counts.sum()``, both of shape (utterances,).

    The bounds are the ``(1 - level) / 2`` and ``(1 + level) / 2`` quantiles of the resampled rates. A resample that
    happens to hold no word has no rate and is left out. Few utterances give too narrow an interval; a single one
    gives a point.

    Raises:
        DataError: when the arrays differ in shape, or hold no word.
        RequestError: when `level` is outside (0, 1) or `resamples` below 1.

    Source: Bisani & Ney 2004, section 3.

    >>> interval(np.array([0, 3]), np.array([3, 3]))
    (0.0, 1.0)
    >>> interval(np.array([1]), np.array([4]))
    (0.25, 0.25)
    """
    if not 0 < level < 1:
        raise RequestError(f"`level` must be in (0, 1), but is {level}; did you mean {CI}?")
    rates = _resampled_rates(_table(counts, edits), resamples=resamples, seed=seed)
    return _percentiles(rates[:, 0], level=level)


def paired(
    edits_a: Numbers, edits_b: Numbers, counts: Numbers, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedDifference:
    """Whether b's rate differs from a's, resampling utterances with both systems' edits together.

    With d = rate b - rate a on the whole set, d* on a resample, and R resamples, the two-sided p-value is

        p = (1 + #{ |d* - d| >= |d| }) / (1 + R)

    the share of resamples that stray from d as far as d is from zero, counting d itself: p is never 0, and it is 1
    for equal rates. A single utterance shows no spread, so its p is 1 by definition.

    Raises:
        DataError: when the arrays differ in shape, or hold no word.
        RequestError: when `resamples` is below 1.

    Source: Bisani & Ney 2004, section 4 (the paired resampling and its interval).
    Differs: they report the probability of improvement, #{d* < 0} / R; we centre d* on zero, which makes it a test.

    >>> paired(np.array([1, 0]), np.array([1, 0]), np.array([3, 3]))
    PairedDifference(difference=0.0, ci95=(0.0, 0.0), p_value=1.0)
    """
    table = _table(counts, edits_a, edits_b)
    rates = _resampled_rates(table, resamples=resamples, seed=seed)
    words, total_a, total_b = table.sum(axis=0).tolist()
    difference = (total_b - total_a) / words
    resampled = rates[:, 1] - rates[:, 0]
    return PairedDifference(
        difference=difference,
        ci95=_percentiles(resampled, level=CI),
        p_value=_p_value(resampled, difference) if len(table) > 1 else 1.0,
    )


def _p_value(resampled: NDArray[np.float64], difference: float) -> float:
    strays = np.abs(resampled - difference) >= abs(difference) - TIE
    return float((1 + strays.sum()) / (1 + len(resampled)))


def _percentiles(values: NDArray[np.float64], *, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high


def _table(counts: Numbers, *edits: Numbers) -> NDArray[Any]:
    """One row per utterance: its count, then each system's edits."""
    shapes = {column.shape for column in (counts, *edits)}
    if len(shapes) > 1 or counts.ndim != 1:
        raise DataError(f"edits and `counts` must all have shape (utterances,), but have {sorted(shapes)}")
    if counts.sum() <= 0:
        raise DataError(f"`counts` must hold at least one word, but {len(counts)} utterances hold none")
    return np.stack([counts, *edits], axis=1)


def _resampled_rates(table: NDArray[Any], *, resamples: int, seed: int) -> NDArray[np.float64]:
    """Rates of shape (resamples, systems), less those resamples that hold no word."""
    if resamples < 1:
        raise RequestError(f"`resamples` must be at least 1, but is {resamples}; {RESAMPLES} is the usual number")
    sums = np.concatenate(list(_resampled_sums(table, resamples=resamples, seed=seed)))
    sums = sums[sums[:, 0] > 0]
    if not len(sums):
        raise DataError("no resample holds a word: `counts` are nearly all zero, so there is no rate to be sure of")
    return sums[:, 1:] / sums[:, :1]


def _resampled_sums(table: NDArray[Any], *, resamples: int, seed: int) -> Iterator[NDArray[Any]]:
    generator = np.random.default_rng(seed)
    if not np.issubdtype(table.dtype, np.integer):
        draws = (generator.integers(len(table), size=len(table)) for _ in range(resamples))
        yield np.stack([np.bincount(drawn, minlength=len(table)) @ table for drawn in draws])
        return
    rows, multiplicity = np.unique(table, axis=0, return_counts=True)
    block = max(1, BLOCK_ENTRIES // len(rows))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        yield generator.multinomial(len(table), multiplicity / len(table), size=size) @ rows
