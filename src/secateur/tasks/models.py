"""Models and processors by folder or Hub id."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForCTC,
    AutoModelForRNNT,
    AutoModelForTDT,
    AutoProcessor,
    AutoTokenizer,
)
from transformers.utils.hub import cached_file

from secateur.errors import ModelError, SecateurError
from secateur.families import FAMILIES
from secateur.training import give_loss

TEXT_FAMILIES = tuple(name for name, family in FAMILIES.items() if family.hearing is None)
"""Families of language models, called as their model type in `config.json`."""

CLASSES = {
    "parakeet_rnnt": AutoModelForRNNT,
    "parakeet_tdt": AutoModelForTDT,
    **dict.fromkeys(TEXT_FAMILIES, AutoModelForCausalLM),
}
"""Model type -> the auto class that loads it; CTC unless named."""

CONFIG = "config.json"

NO_CODE: Mapping[str, Any] = {"trust_remote_code": False}
"""Code that lies in a model's folder is not run, and the library does not ask whether it may be."""

MAX_REASON = 200
"""Characters of the library's reason that a message repeats: some list every class there is."""


@contextmanager
def asked_as(option: str) -> Generator[None, None, None]:
    """Let errors on a model speak of `option`, as whoever names it knows it; what is called here says `model`.

    Raises:
        ModelError: As raised within, under that name.
    """
    try:
        yield
    except ModelError as error:
        raise ModelError(re.sub("^`model`", f"`{option}`", str(error))) from error


def load_model(name: str) -> Any:
    """Load a model, pruned or not, in its own precision, in eval mode.

    Raises:
        ModelError: There is no such folder or id, it cannot be loaded, or weights are missing.
    """
    loader: Any = CLASSES.get(_model_type(name), AutoModelForCTC)
    with _loading(name):
        found = loader.from_pretrained(name, output_loading_info=True, **NO_CODE)
    spare = tuple(name for family in FAMILIES.values() for name in family.spare)
    model, missing = found[0].eval(), sorted(key for key in found[1]["missing_keys"] if not key.endswith(spare))
    if missing:  # the library draws them at random
        raise ModelError(
            f"`model` must bring all of its weights, but `{name}` lacks {len(missing)} tensors ({missing[0]}, ...); "
            f"save it again with `save_pretrained`"
        )
    return model


def load_recognizer(name: str) -> Any:
    """Load a model that can be trained, pruned and decoded here: CTC or a transducer, of a known family.

    Raises:
        ModelError: It is none, or cannot be loaded.
    """
    model = load_model(name)
    hearing = {name: family.hearing for name, family in FAMILIES.items() if family.hearing is not None}
    classes = {kind for one in hearing.values() for kind in (one.ctc, one.transducer) if kind is not None}
    if not isinstance(model, tuple(classes)):
        why = ", which reads text" if model.config.model_type in TEXT_FAMILIES else ""
        raise ModelError(
            f"`model` must be a recognizer of a known family ({', '.join(hearing)}), CTC or a transducer, but `{name}` "
            f"is a {type(model).__name__}{why or ', whose training and decoding are not built yet'}; take another"
        )
    give_loss(model)
    return model


def reads_text(name: str) -> bool:
    """Whether a model is a language model of a known family.

    Raises:
        ModelError: There is no such folder or id, or its configuration cannot be loaded.
    """
    return _model_type(name) in TEXT_FAMILIES


def _model_type(name: str) -> str:
    _check_folder(name)
    with _loading(name):
        return str(AutoConfig.from_pretrained(name, **NO_CODE).model_type)


@contextmanager
def _loading(name: str) -> Generator[None, None, None]:
    try:
        yield
    except SecateurError:
        raise
    except Exception as error:  # a broken folder makes the library raise anything, from OSError to ZeroDivisionError
        raise ModelError(
            f"`model` must be a recognizer or language model that `transformers` loads, but `{name}` is not: "
            f"{_reason(error)}; check the folder, or the id and the network; "
            f"known families of language models are {', '.join(TEXT_FAMILIES)}"
        ) from error


def load_language_model(name: str) -> Any:
    """Load a language model of a known family.

    Raises:
        ModelError: It is none, or cannot be loaded.
    """
    model = load_model(name)
    if model.config.model_type not in TEXT_FAMILIES:
        raise ModelError(
            f"`model` must be a language model of a known family ({', '.join(TEXT_FAMILIES)}), but `{name}` is a "
            f"{type(model).__name__}; name a language model there"
        )
    return model


def load_tokenizer(name: str) -> Any:
    """Load a language model's tokenizer.

    Raises:
        ModelError: The folder holds none.
    """
    _check_folder(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **NO_CODE)
    except Exception as error:  # as above
        raise ModelError(_no_tokenizer(name, _reason(error))) from error
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):  # what the library makes of no files at all
        raise ModelError(_no_tokenizer(name, "it knows no words"))
    return tokenizer


def _no_tokenizer(name: str, why: str) -> str:
    return (
        f"`model` must come with its tokenizer, but `{name}` has none that loads ({why}); save it there with "
        f"`tokenizer.save_pretrained`"
    )


def load_processor(name: str) -> Any:
    """Load a model's processor.

    Raises:
        ModelError: The folder holds none.
    """
    _check_folder(name)
    try:
        processor = AutoProcessor.from_pretrained(name, **NO_CODE)
    except Exception as error:  # as above
        raise ModelError(
            f"`model` must come with its processor (feature extractor and tokenizer), but `{name}` has none that loads "
            f"({_reason(error)}); save it there with `processor.save_pretrained`"
        ) from error
    if not hasattr(processor, "feature_extractor") or not hasattr(processor, "tokenizer"):
        raise ModelError(
            f"`model` must come with a feature extractor and a tokenizer, but the processor in `{name}` is a "
            f"{type(processor).__name__}; save the whole processor there with `processor.save_pretrained`"
        )
    return processor


def model_folder(name: str) -> Path:
    """Return the folder that a model was loaded from: for a Hub id, the one in the library's cache."""
    return Path(str(cached_file(name, CONFIG))).parent


def _check_folder(name: str) -> None:
    path = Path(name)
    looks_local = name.startswith((".", "/", "~")) or name.count("/") > 1 or path.exists()
    if looks_local and not (path / CONFIG).is_file():
        state = f"has no `{CONFIG}`" if path.is_dir() else "is a file" if path.exists() else "does not exist"
        raise ModelError(f"`model` must be a folder with `{CONFIG}` or a Hub id, but `{name}` {state}; check the path")


def _reason(error: Exception) -> str:
    """Return the first line of what the library says: the rest is advice about other things."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:MAX_REASON].rstrip(".:")
