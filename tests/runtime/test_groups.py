import pytest

from secateur.runtime.groups import SIZES, groups, padded


@pytest.mark.parametrize("count", range(60))
def test_groups_take_every_token_and_the_last_is_at_most_half_empty(count: int) -> None:
    sizes = groups(count).tolist()
    assert sum(sizes) == padded(count) >= count
    assert set(sizes) <= set(SIZES)
    assert not sizes or sum(sizes) - count <= sizes[-1] / 2
    assert sizes == sorted(sizes, reverse=True)


def test_sizes_cannot_be_changed_by_mistake() -> None:
    with pytest.raises(ValueError, match="read-only"):
        groups(5)[0] = 1
