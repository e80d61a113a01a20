import itertools

import pytest

from secateur.schedules import Cubic


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.25, 0.5, 0.6, 0.7, 1.0])
def test_it_is_the_published_formula_from_zero(progress: float) -> None:
    start, end, final = 0.1, 0.6, 1.0
    done = min(max((progress - start) / (end - start), 0.0), 1.0)
    published = final + (0.0 - final) * (1 - done) ** 3
    assert Cubic(start=start, end=end).share(progress) == pytest.approx(published, abs=1e-12)


def test_most_leaves_early() -> None:
    schedule = Cubic(start=0.0, end=1.0)
    shares = [schedule.share(step / 10) for step in range(11)]
    leaves = [after - before for before, after in itertools.pairwise(shares)]
    assert leaves == sorted(leaves, reverse=True)
