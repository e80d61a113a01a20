import pytest

from secateur.schedules import Linear


@pytest.mark.parametrize("steps", [1, 7])
def test_every_step_takes_the_same_amount(steps: int) -> None:
    schedule = Linear(start=0.0, end=1.0)
    shares = [schedule.share(step / steps) for step in range(steps + 1)]
    assert shares == pytest.approx([step / steps for step in range(steps + 1)])


def test_the_default_ends_at_six_tenths_of_the_training() -> None:
    assert Linear().share(0.59) < 1.0
    assert Linear().share(0.6) == 1.0
