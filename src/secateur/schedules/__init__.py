"""When: the share of training done to the share of the target due."""

from secateur.schedules.course import Course
from secateur.schedules.cubic import Cubic
from secateur.schedules.linear import Linear
from secateur.schedules.one_shot import OneShot
from secateur.schedules.schedule import Schedule, due, last_step

SCHEDULES = {"one_shot": OneShot, "linear": Linear, "cubic": Cubic}

__all__ = ["SCHEDULES", "Course", "Cubic", "Linear", "OneShot", "Schedule", "due", "last_step"]
