"""The fields of `transformers.TrainingArguments` that a recipe may set, and of which type they are."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from secateur.recipes.sentences import listed, nearest, shown

BATCHES = "batches are measured by size: use `batch_seconds`, or `batch_tokens` for a language model"

OWNED: Mapping[str, str] = {
    "output_dir": "`--out` names the folder",
    "resume_from_checkpoint": "`--resume` continues a run",
    "per_device_train_batch_size": BATCHES,
    "per_device_eval_batch_size": BATCHES,
    "auto_find_batch_size": BATCHES,
    "train_sampling_strategy": "batches are drawn by size",
    "length_column_name": "batches are drawn by size",
    "remove_unused_columns": "the batches hold nothing else than what the model takes",
    "label_names": "the labels are always `labels`",
    "seed": "the recipe's own `seed` covers it",
    "data_seed": "the recipe's own `seed` covers it",
    "disable_tqdm": "the progress bar is shown where standard error is a terminal",
    "logging_nan_inf_filter": "a loss that is not a number stops the run",
    **dict.fromkeys(
        (
            "dataloader_drop_last",
            "dataloader_persistent_workers",
            "dataloader_pin_memory",
            "dataloader_prefetch_factor",
        ),
        "batches are handed over as they are drawn",
    ),
    **dict.fromkeys(
        ("bf16_full_eval", "fp16_full_eval", "eval_accumulation_steps", "prediction_loss_only"),
        "validation measures the model as it is saved",
    ),
    "label_smoothing_factor": "the loss is the model's own",
    "save_only_model": "a checkpoint holds all that `--resume` needs",
}
"""Fields that secateur sets itself -> what to do instead."""

RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(
        ("learning_rate", "weight_decay", "adam_epsilon", "num_train_epochs", "warmup_steps"), (0, math.inf)
    ),
    **dict.fromkeys(("adam_beta1", "adam_beta2"), (0, 1)),
    "gradient_accumulation_steps": (1, math.inf),
}
"""What numbers must be at least, and below: optimizers refuse others when all data has been read, or train upwards."""

ENDLESS = {"max_grad_norm"}
"""Numbers that may be infinite: nothing is clipped then."""

PLATEAU = "reduce_lr_on_plateau"
"""The schedule of learning rates that follows the validation."""

KINDS: Mapping[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "text",
    list: "a list",
    dict: "a mapping",
    NoneType: "null",
}


@cache
def fields() -> Mapping[str, Any]:
    """Return name -> annotation of every field."""
    from transformers import TrainingArguments  # takes seconds: paid only by recipes that set `train`

    return {field.name: field.type for field in dataclasses.fields(TrainingArguments)}


def problems(train: Mapping[str, Any]) -> Iterator[str]:
    """Say in whole sentences what is wrong with `train`."""
    for name, value in train.items():
        if name in OWNED:
            yield f"`train.{name}` must be absent, since secateur sets it itself; {OWNED[name]}"
        elif name not in fields():
            yield f"`train.{name}` is not a field of transformers.TrainingArguments{_proposal(name)}"
        else:
            yield from _value_problems(name, value, _members(fields()[name]))


def _proposal(name: str) -> str:
    best = nearest(name, fields().keys() - OWNED.keys())
    return f"; did you mean `train.{best}`?" if best else "; see its documentation for the names"


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _value_problems(name: str, value: Any, members: tuple[Any, ...]) -> Iterator[str]:
    choices = [str(item.value) for member in members if _is_enum(member) for item in member]
    if not any(_fits(value, member) for member in members):
        quoted = "; write 'no' in quotes, YAML reads it as false" if value is False and "no" in choices else ""
        yield f"`train.{name}` must be {_kinds(members)}, but is {shown(value)}{quoted}"
    elif choices and isinstance(value, str) and value not in choices:
        best = nearest(value, choices)
        advice = f"; did you mean {best}?" if best else ""
        yield f"`train.{name}` must be {listed(choices)}, but is {shown(value)}{advice}"
    elif isinstance(value, int | float) and name not in ENDLESS:
        yield from _range_problems(name, value)


def _range_problems(name: str, value: float) -> Iterator[str]:
    least, below = RANGES.get(name, (-math.inf, math.inf))
    if not (math.isfinite(value) and least <= value < below):
        low = f" of at least {least:g}" if math.isfinite(least) else ""
        high = f" and below {below:g}" if math.isfinite(below) else ""
        yield f"`train.{name}` must be a finite number{low}{high}, but is {shown(value)}"


def _is_enum(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, Enum)


def _fits(value: Any, member: Any) -> bool:
    origin = get_origin(member) or member
    if origin is Literal:
        return value in get_args(member)
    if isinstance(value, bool):
        return origin is bool
    if origin is float:
        return isinstance(value, int | float)
    return not isinstance(origin, type) or isinstance(value, origin)


def _kinds(members: tuple[Any, ...]) -> str:
    words = [KINDS[origin] for member in members if (origin := get_origin(member) or member) in KINDS]
    return listed(words or ["what its documentation says"])
