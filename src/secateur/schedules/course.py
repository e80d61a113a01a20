"""A schedule over the steps of a training."""

from dataclasses import dataclass
from typing import Self, final

from secateur.schedules.schedule import Schedule, due, last_step


@final
@dataclass(frozen=True, kw_only=True)
class Course:
    """When something is due, and how much, step by step.

    >>> from secateur.schedules.linear import Linear
    >>> course = Course.over(8, Linear(start=0.0, end=1.0), every=None, times=4)
    >>> [(step, course.share(step)) for step in range(9) if course.due(step)]
    [(2, 0.25), (4, 0.5), (6, 0.75), (8, 1.0)]
    """

    schedule: Schedule
    steps: int
    """Of the whole training."""

    every: int
    """Steps from one due one to the next."""

    @classmethod
    def over(cls, steps: int, schedule: Schedule, *, every: int | None, times: int) -> Self:
        """Spread about `times` due steps over the schedule, unless `every` says how far they are apart."""
        every = every or max(1, round(last_step(schedule.end, steps) / times))
        return cls(schedule=schedule, steps=steps, every=every)

    def due(self, step: int) -> bool:
        """Whether something is due after `step`."""
        return due(step, total=self.steps, schedule=self.schedule, every=self.every)

    def share(self, step: int) -> float:
        """Return the share of the target that is due after `step`: 1 from the schedule's end on."""
        return 1.0 if step >= last_step(self.schedule.end, self.steps) else self.schedule.share(step / self.steps)
