"""Save and load: the folder that `from_pretrained` opens."""

from secateur.checkpoint.hook import apply_plan, describe, register
from secateur.checkpoint.save import mark, save

__all__ = ["apply_plan", "describe", "mark", "register", "save"]
