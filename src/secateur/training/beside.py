"""Files of our own in the Trainer's checkpoints."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from secateur.errors import RequestError
from secateur.whole_file import write_whole


def checkpoint_folder(args: TrainingArguments, state: TrainerState) -> Path:
    """Return the folder of the checkpoint of the current step."""
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"


def keep(folder: Path, name: str, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Write ``<name>.safetensors``, then ``<name>.json``, whose presence says that both are whole."""
    save_file({key: tensor.detach().contiguous() for key, tensor in tensors.items()}, folder / f"{name}.safetensors")
    write_whole(folder / f"{name}.json", json.dumps(values))


def kept(folder: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `keep` wrote.

    Raises:
        RequestError: The checkpoint has none of it, or not all.
    """
    tensors, values = folder / f"{name}.safetensors", folder / f"{name}.json"
    for file in (tensors, values):
        if not file.is_file():
            raise RequestError(
                f"checkpoint `{folder}` must hold `{file.name}` to resume, but does not; it was written by a run "
                f"without {name}, not to its end, or into another `output_dir`; start again"
            )
    return load_file(tensors), json.loads(values.read_text())
