import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from secateur.errors import DataError, RequestError
from secateur.evaluation import interval, paired, significance

EDITS_A = np.array([0, 1, 2, 1])
EDITS_B = np.array([1, 1, 3, 3])
COUNTS = np.array([5, 3, 6, 4])


def every_resample(*columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rates of all n ** n equally likely resamples: what the bootstrap approximates."""
    draws = np.array(list(itertools.product(range(len(COUNTS)), repeat=len(COUNTS))))
    return np.stack([column[draws].sum(axis=1) / COUNTS[draws].sum(axis=1) for column in columns], axis=1)


def draws_of_counts_and_of_utterances(test: Any) -> Any:
    """Sums of integers are resampled by how often rows appear, others by which utterances are drawn."""
    return pytest.mark.parametrize("dtype", [np.int64, np.float64])(test)


@draws_of_counts_and_of_utterances
def test_the_interval_covers_its_level_of_all_resamples(dtype: type) -> None:
    rates = every_resample(EDITS_A)[:, 0]
    for level in (0.5, 0.8, 0.95):
        low, high = interval(EDITS_A.astype(dtype), COUNTS, level=level)
        assert np.mean(rates < low) <= (1 - level) / 2 + 0.02
        assert np.mean(rates > high) <= (1 - level) / 2 + 0.02
        assert np.mean((rates >= low) & (rates <= high)) >= level - 0.03


def test_a_wider_level_gives_a_wider_interval_around_the_rate() -> None:
    (low, high), (lower, higher) = interval(EDITS_A, COUNTS, level=0.5), interval(EDITS_A, COUNTS, level=0.99)
    assert lower < low < EDITS_A.sum() / COUNTS.sum() < high < higher


@draws_of_counts_and_of_utterances
def test_the_p_value_is_the_share_of_all_resamples_that_stray_as_far(dtype: type) -> None:
    rates = every_resample(EDITS_A, EDITS_B)
    difference = (EDITS_B.sum() - EDITS_A.sum()) / COUNTS.sum()
    strays = np.abs(rates[:, 1] - rates[:, 0] - difference) >= difference - 1e-9
    result = paired(EDITS_A.astype(dtype), EDITS_B.astype(dtype), COUNTS)
    assert result.difference == pytest.approx(difference)
    assert result.p_value == pytest.approx(strays.mean(), abs=0.015)
    assert result.ci95[0] <= result.difference <= result.ci95[1]


def test_sums_of_nats_are_resampled_as_counts_are() -> None:
    rates = every_resample(EDITS_A, EDITS_B) / 3
    result = paired(EDITS_A / 3, EDITS_B / 3, COUNTS)
    assert result.difference == pytest.approx((EDITS_B.sum() - EDITS_A.sum()) / COUNTS.sum() / 3)
    strays = np.abs(rates[:, 1] - rates[:, 0] - result.difference) >= result.difference - 1e-9
    assert result.p_value == pytest.approx(strays.mean(), abs=0.015)


def test_swapping_the_systems_turns_the_sign_and_keeps_the_p_value() -> None:
    there, back = paired(EDITS_A, EDITS_B, COUNTS), paired(EDITS_B, EDITS_A, COUNTS)
    assert back.difference == -there.difference
    assert back.p_value == pytest.approx(there.p_value, abs=0.02)


def test_a_difference_that_never_varies_has_the_smallest_p_value_and_not_zero() -> None:
    result = paired(COUNTS * 0, COUNTS, COUNTS, resamples=99)
    assert result.difference == 1.0
    assert result.p_value == 1 / 100


@pytest.mark.parametrize("edits", [EDITS_A, COUNTS * 0])
def test_equal_systems_have_p_value_one(edits: NDArray[np.int64]) -> None:
    assert paired(edits, edits, COUNTS).p_value == 1.0


def test_a_single_utterance_proves_nothing() -> None:
    result = paired(np.array([0]), np.array([4]), np.array([4]))
    assert (result.difference, result.p_value) == (1.0, 1.0)


def test_the_seed_decides_and_the_order_of_utterances_does_not() -> None:
    order = np.array([2, 0, 3, 1])
    assert interval(EDITS_A, COUNTS, seed=3) == interval(EDITS_A[order], COUNTS[order], seed=3)
    assert paired(EDITS_A, EDITS_B, COUNTS, seed=3, resamples=50) != paired(
        EDITS_A, EDITS_B, COUNTS, seed=4, resamples=50
    )


def test_resamples_without_a_word_are_left_out() -> None:
    low, high = interval(np.array([0, 1]), np.array([0, 2]))
    assert low == high == 0.5
    # An insertion into silence counts wherever it is drawn beside a word: (0 + 1)/2, (1 + 1)/2 or (1 + 0)/2 words.
    assert interval(np.array([2, 0]), np.array([0, 2])) == (0.0, 1.0)


def test_working_in_blocks_changes_nothing_and_bounds_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.arange(1, 2001)  # all rows distinct: the worst case
    edits = counts // 7
    whole = interval(edits, counts, resamples=1000)
    monkeypatch.setattr(significance, "BLOCK_ENTRIES", 50_000)
    tracemalloc.start()
    try:
        assert interval(edits, counts, resamples=1000) == whole
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4e6  # all draws at once would take 1000 x 2000 x 8 = 16e6 bytes


@pytest.mark.parametrize(
    ("edits", "counts", "fragment"),
    [
        ([1], [1, 2], "must all have shape"),
        ([[1]], [[1]], "must all have shape"),
        ([], [], "0 utterances hold none"),
        ([1, 0], [0, 0], "2 utterances hold none"),
    ],
)
def test_arrays_that_hold_no_rate_are_refused(edits: list[int], counts: list[int], fragment: str) -> None:
    with pytest.raises(DataError, match=fragment):
        interval(np.array(edits, dtype=np.int64), np.array(counts, dtype=np.int64))
    with pytest.raises(DataError, match=fragment):
        paired(np.array(edits, dtype=int), np.array(edits, dtype=int), np.array(counts, dtype=int))


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"level": 95}, r"`level` must be in \(0, 1\), but is 95"),
        ({"level": 0}, "`level` must be in"),
        ({"resamples": 0}, "`resamples` must be at least 1, but is 0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, int], fragment: str) -> None:
    with pytest.raises(RequestError, match=fragment):
        interval(EDITS_A, COUNTS, **options)
