"""Save a pruned model so that it loads with one line."""

from pathlib import Path
from typing import Any

from secateur.checkpoint.hook import describe
from secateur.families import family_of
from secateur.surgery import ranks


def mark(model: Any) -> None:
    """Write into a pruned model's configuration what `from_pretrained` needs, from the shapes the model has now.

    Where the configuration alone can describe the shapes, it does, and the model needs no secateur to load.
    """
    widths = None if ranks(model) else family_of(model).widths(model)
    if widths is None:
        model.config.quantization_config = describe(model)
        return
    config = getattr(model.config, "encoder_config", model.config)
    for name, value in widths.items():
        setattr(config, name, value)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


def save(model: Any, processor: Any, folder: Path) -> None:
    """Write a Hugging Face folder: safetensors, `config.json` with the plan, and the processor if there is one."""
    mark(model)
    model.save_pretrained(folder)
    if processor is not None:
        processor.save_pretrained(folder)
