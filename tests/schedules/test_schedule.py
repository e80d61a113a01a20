import pytest

from secateur.schedules import Linear, OneShot, due, last_step
from secateur.schedules.schedule import ramp


@pytest.mark.parametrize(
    ("progress", "start", "end", "share"),
    [
        (0.0, 0.2, 0.6, 0.0),
        (0.2, 0.2, 0.6, 0.0),
        (0.3, 0.2, 0.6, 0.25),
        (0.6, 0.2, 0.6, 1.0),
        (1.0, 0.2, 0.6, 1.0),
        (0.4, 0.5, 0.5, 0.0),
        (0.5, 0.5, 0.5, 1.0),
        (0.0, 0.0, 0.0, 1.0),
    ],
)
def test_a_ramp_is_straight_between_its_ends_and_clamped_outside(progress, start, end, share) -> None:
    assert ramp(progress, start, end) == pytest.approx(share)


@pytest.mark.parametrize(
    ("end", "every", "total", "steps"),
    [
        (1.0, 1, 4, [1, 2, 3, 4]),
        (1.0, 3, 10, [3, 6, 9, 10]),
        (0.7, 3, 10, [3, 6, 7]),
        (0.6, 3, 10, [3, 6]),
        (0.5, 100, 10, [5]),
        (0.05, 1, 10, [1]),
    ],
)
def test_cuts_are_due_every_so_often_and_at_the_last_step(end: float, every: int, total: int, steps) -> None:
    schedule = Linear(start=0.0, end=end)
    assert [step for step in range(total + 1) if due(step, total=total, schedule=schedule, every=every)] == steps


@pytest.mark.parametrize("total", [1, 3, 10, 97, 100, 1000])
def test_the_last_step_is_the_first_one_at_the_end(total: int) -> None:
    for percent in range(1, 101):
        schedule = Linear(start=0.0, end=percent / 100)
        wanted = next(step for step in range(1, total + 1) if 100 * step >= percent * total)
        assert last_step(schedule.end, total) == wanted
        assert schedule.share(wanted / total) == 1.0


@pytest.mark.parametrize(("total", "step"), [(0, 0), (1, 1), (10, 1)])
def test_what_is_due_at_once_is_due_at_the_first_step(total: int, step: int) -> None:
    assert last_step(OneShot().end, total) == step
