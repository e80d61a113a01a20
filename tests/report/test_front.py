import random

import pytest

from secateur.report.front import Pair, front


def beats(one: Pair, other: Pair) -> bool:
    return one[0] <= other[0] and one[1] <= other[1] and one != other


def naive(pairs: list[Pair]) -> set[int]:
    return {i for i, pair in enumerate(pairs) if not any(beats(other, pair) for other in pairs)}


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_nothing_beats(seed: int) -> None:
    draw = random.Random(seed)
    pairs = [(float(draw.randrange(8)), float(draw.randrange(8))) for _ in range(25)]
    assert set(front(pairs)) == naive(pairs)


def test_the_front_runs_from_the_cheapest_to_the_best() -> None:
    pairs = [(3.0, 1.0), (1.0, 3.0), (2.0, 2.0), (2.0, 2.5)]
    assert front(pairs) == (1, 2, 0)


@pytest.mark.parametrize(("pairs", "found"), [([], ()), ([(1.0, 1.0)], (0,)), ([(1.0, 1.0)] * 3, (0, 1, 2))])
def test_few_and_equal_pairs(pairs: list[Pair], found: tuple[int, ...]) -> None:
    assert front(pairs) == found
