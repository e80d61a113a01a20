"""Save and load: the folder that `from_pretrained` opens."""

from secateur.checkpoint.hook import apply_plan, describe
from secateur.checkpoint.plan_file import write as write_plan
from secateur.checkpoint.save import mark, save
from secateur.checkpoint.size import compressed_bytes, entry_bytes, file_bytes

__all__ = ["apply_plan", "compressed_bytes", "describe", "entry_bytes", "file_bytes", "mark", "save", "write_plan"]
