import pytest

from secateur.schedules import Course, Cubic, Linear, OneShot


@pytest.mark.parametrize("steps", [1, 7, 80, 100, 1001])
@pytest.mark.parametrize("times", [1, 25, 100])
def test_about_so_many_steps_are_due_and_the_last_takes_all(steps: int, times: int) -> None:
    course = Course.over(steps, Cubic(start=0.0, end=0.6), every=None, times=times)
    found = [step for step in range(1, steps + 1) if course.due(step)]
    assert 1 <= len(found) <= 1.5 * times + 1
    assert course.share(found[-1]) == 1.0
    assert all(course.share(step) < 1.0 for step in found[:-1])


def test_every_wins_over_times() -> None:
    course = Course.over(20, Linear(start=0.0, end=1.0), every=6, times=100)
    assert [step for step in range(1, 21) if course.due(step)] == [6, 12, 18, 20]


def test_in_one_shot_everything_is_due_at_once() -> None:
    assert Course.over(10, OneShot(), every=None, times=5).share(1) == 1.0
