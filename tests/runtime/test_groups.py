import pytest

from secateur.runtime.groups import group_size, padded


@pytest.mark.parametrize("count", range(60))
def test_groups_take_every_token_and_the_last_is_at_most_half_empty(count: int) -> None:
    sizes, left = [], count
    while left > 0:
        sizes.append(group_size(left))
        left -= sizes[-1]
    assert sum(sizes) == padded(count)
    assert set(sizes) <= {1, 4, 8, 16}
    assert not sizes or sum(sizes) - count <= sizes[-1] / 2
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("count", range(60))
def test_what_is_filled_falls_into_the_same_groups(count: int) -> None:
    left, whole = count, padded(count)
    while left > 0:
        size = group_size(left)
        assert group_size(whole) == size
        left, whole = left - size, whole - size
    assert whole == 0
