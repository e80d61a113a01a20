"""Every schedule: never falling, right at both ends, within [0, 1]. A new row is tested by being listed."""

import pytest

from secateur.schedules import SCHEDULES, due, last_step

BOUNDS = [(0.0, 1.0), (0.0, 0.6), (0.2, 0.8), (0.5, 0.5), (0.0, 0.0), (1.0, 1.0), (0.1, 0.55)]
PROGRESS = [i / 200 for i in range(201)]

each = pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
bounded = pytest.mark.parametrize(("start", "end"), BOUNDS)


@bounded
@each
def test_shares_never_fall_and_stay_within_bounds(make, start: float, end: float) -> None:
    schedule = make(start=start, end=end)
    shares = [schedule.share(progress) for progress in PROGRESS]
    assert shares == sorted(shares)
    assert min(shares) >= 0.0
    assert max(shares) <= 1.0


@bounded
@each
def test_all_is_due_from_the_end_on(make, start: float, end: float) -> None:
    schedule = make(start=start, end=end)
    assert all(schedule.share(progress) == 1.0 for progress in (*PROGRESS, schedule.end) if progress >= schedule.end)


@bounded
@each
def test_nothing_is_due_before_the_start_of_what_takes_its_time(make, start: float, end: float) -> None:
    schedule = make(start=start, end=end)
    if schedule.share(0.0) < 1.0:
        assert all(schedule.share(progress) == 0.0 for progress in (0.0, start / 2, start) if progress < end)


@pytest.mark.parametrize("every", [1, 3, 1000])
@pytest.mark.parametrize("total", [1, 7, 100])
@bounded
@each
def test_the_last_step_is_due_and_the_share_is_whole_there(make, start, end, total: int, every: int) -> None:
    schedule = make(start=start, end=end)
    last = last_step(schedule.end, total)
    steps = [step for step in range(total + 1) if due(step, total=total, schedule=schedule, every=every)]
    assert 1 <= last <= total
    assert steps[-1] == last
    assert steps == sorted({*range(every, last + 1, every), last})
    assert schedule.share(last / total) == 1.0
    assert last == 1 or (last - 1) / total < schedule.end


@each
def test_options_have_defaults_that_agree(make) -> None:
    assert make() == make(start=make().start, end=make().end)
    assert 0.0 <= make().start <= make().end <= 1.0
