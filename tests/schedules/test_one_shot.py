import pytest

from secateur.schedules import OneShot


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_everything_is_due_from_the_start(progress: float) -> None:
    assert OneShot().share(progress) == 1.0
