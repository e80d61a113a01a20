from typing import Any, final

import pytest

from secateur.tasks import Judged


@final
class Rated(Judged):
    """Rates by set, given."""

    def __init__(self, **sets: float) -> None:
        self.sets = sets

    def by_set(self) -> dict[str, dict[str, Any]]:
        return {name: {"rate": rate} for name, rate in self.sets.items()}

    def together(self) -> dict[str, Any]:
        return {"rate": sum(self.sets.values())}

    def compared(self, base: Any) -> dict[str, Any]:
        return {}

    def notes(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ({}, {}),
        ({"a": 0.5}, {"rate": 0.5}),
        ({"a": 0.5, "b": 0.25}, {"rate": 0.75, "sets": {"a": {"rate": 0.5}, "b": {"rate": 0.25}}}),
    ],
)
def test_sets_are_told_apart_only_where_there_are_several(sets: dict[str, float], told: dict[str, Any]) -> None:
    assert Rated(**sets).measures() == told


def test_there_is_nothing_more_to_say_unless_it_is_said() -> None:
    assert Rated(a=0.5).extent() == {}
