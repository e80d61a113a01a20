"""Save and load: the folder that `from_pretrained` opens."""

from secateur.checkpoint.hook import apply_plan, describe
from secateur.checkpoint.pack import Saved, save_packed
from secateur.checkpoint.plan_file import write as write_plan
from secateur.checkpoint.save import mark, save
from secateur.checkpoint.size import compressed_bytes, entry_bytes, file_bytes

__all__ = [
    "Saved",
    "apply_plan",
    "compressed_bytes",
    "describe",
    "entry_bytes",
    "file_bytes",
    "mark",
    "save",
    "save_packed",
    "write_plan",
]
