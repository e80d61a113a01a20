"""Models and processors by folder or Hub id."""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForCTC, AutoModelForRNNT, AutoModelForTDT, AutoProcessor

from secateur.errors import ModelError

CLASSES = {"parakeet_rnnt": AutoModelForRNNT, "parakeet_tdt": AutoModelForTDT}
"""Model type -> the auto class that loads it; CTC unless named."""


def load_model(name: str) -> Any:
    """Load a recognizer, pruned or not, in its own precision, in eval mode.

    Raises:
        ModelError: There is no such folder or id, or it cannot be loaded.
    """
    _check_folder(name)
    try:
        kind = AutoConfig.from_pretrained(name).model_type
        return CLASSES.get(kind, AutoModelForCTC).from_pretrained(name).eval()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"`model` must be a recognizer that `transformers` loads, but `{name}` is not: {error}") from None


def load_processor(name: str) -> Any:
    """Load a model's processor.

    Raises:
        ModelError: The folder holds none.
    """
    _check_folder(name)
    try:
        processor = AutoProcessor.from_pretrained(name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"`model` must come with its processor (feature extractor and tokenizer), but `{name}` has none that loads "
            f"({str(error).splitlines()[0]}); save it there with `processor.save_pretrained`"
        ) from None
    if not hasattr(processor, "feature_extractor") or not hasattr(processor, "tokenizer"):
        raise ModelError(
            f"`model` must come with a feature extractor and a tokenizer, but the processor in `{name}` is a "
            f"{type(processor).__name__}; save the whole processor there with `processor.save_pretrained`"
        )
    return processor


def _check_folder(name: str) -> None:
    path = Path(name)
    looks_local = name.startswith((".", "/", "~")) or name.count("/") > 1 or path.exists()
    if looks_local and not (path / "config.json").is_file():
        state = "has no `config.json`" if path.is_dir() else "does not exist"
        raise ModelError(f"`model` must be a folder with `config.json` or a Hub id, but `{name}` {state}")
