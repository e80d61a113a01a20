"""Selection is exact for every size and share."""

import itertools

import pytest
import torch

from secateur.masks import select

SIZES = [1, 2, 3, 7, 10, 64, 1000]
SHARES = [0.0, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.999, 1.0]


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("n", SIZES)
def test_exactly_n_minus_round_n_times_share_are_kept(n: int, share: float) -> None:
    for scores in (torch.randn(n, generator=torch.Generator().manual_seed(n)), torch.zeros(n), torch.arange(n) % 3):
        mask = select(scores, share)
        assert mask.dtype == torch.bool
        assert int(mask.sum()) == n - round(n * share)


@pytest.mark.parametrize("n", [1, 2, 7, 24, 100, 576, 1024])
def test_a_share_that_was_counted_in_units_is_that_many_units(n: int) -> None:
    assert [n - int(select(torch.zeros(n), gone / n).sum()) for gone in range(n + 1)] == list(range(n + 1))


@pytest.mark.parametrize("n", SIZES)
def test_a_share_of_zero_removes_nothing(n: int) -> None:
    assert bool(select(torch.full((n,), -torch.inf), 0.0).all())


@pytest.mark.parametrize("share", SHARES)
def test_what_leaves_is_what_a_stable_sort_puts_first(share: float) -> None:
    scores = torch.randint(0, 4, (50,), generator=torch.Generator().manual_seed(3))
    order = sorted(range(50), key=lambda unit: (int(scores[unit]), unit))
    gone = set(order[: round(50 * share)])
    assert [unit not in gone for unit in range(50)] == select(scores, share).tolist()


@pytest.mark.parametrize("n", SIZES)
def test_a_larger_share_keeps_a_part_of_what_a_smaller_one_keeps(n: int) -> None:
    scores = torch.randint(0, 4, (n,), generator=torch.Generator().manual_seed(n))
    masks = [select(scores, share) for share in SHARES]
    assert all(bool((more | ~less).all()) for more, less in itertools.pairwise(masks))
