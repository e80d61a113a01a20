import pytest
import torch

from secateur.allocation import GONE, STAYS, hold
from secateur.group import Runs


def held(scores: list[float], runs: Runs) -> list[int]:
    return (hold(torch.tensor(scores), runs) == STAYS).nonzero().flatten().tolist()


def test_the_best_of_each_run_are_held_and_the_others_keep_their_scores() -> None:
    found = hold(torch.tensor([5.0, 6.0, 7.0, 8.0, 4.0, 1.0, 3.0, 2.0]), Runs(stay=1, of=4))
    assert found.tolist() == [5.0, 6.0, 7.0, STAYS, STAYS, 1.0, 3.0, 2.0]


@pytest.mark.parametrize(("stay", "kept"), [(1, [3]), (2, [2, 3]), (3, [1, 2, 3])])
def test_of_a_tie_the_higher_index_is_held(stay: int, kept: list[int]) -> None:
    assert held([2.0] * 4, Runs(stay=stay, of=4)) == kept


def test_a_run_reaches_over_rows_that_lie_a_stride_apart() -> None:
    """Three inputs of a filter of two positions: weights 0, 2, 4 are one run, 1, 3, 5 the other."""
    assert held([9.0, 1.0, 5.0, 2.0, 7.0, 3.0], Runs(stay=1, of=3, stride=2)) == [0, 5]


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([GONE, 1.0, 2.0, 3.0], [2, 3]),
        ([GONE, GONE, 2.0, 3.0], [2, 3]),
        ([GONE, GONE, GONE, 3.0], [3]),
        ([GONE] * 4, []),
    ],
)
def test_what_has_left_stays_out_and_counts_among_those_that_leave(scores: list[float], kept: list[int]) -> None:
    found = hold(torch.tensor(scores), Runs(stay=2, of=4))
    assert (found == STAYS).nonzero().flatten().tolist() == kept
    assert torch.equal(found == GONE, torch.tensor(scores) == GONE)


def test_a_site_without_runs_is_free() -> None:
    scores = torch.tensor([1.0, 2.0])
    assert hold(scores, None) is scores
