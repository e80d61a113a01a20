"""`transformers.TrainingArguments` from a recipe's `train` block."""

import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainingArguments

from secateur.errors import RecipeError
from secateur.processor import emulates_bfloat16

DEFAULTS: Mapping[str, Any] = {
    "learning_rate": 5e-4,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.1,
    "max_grad_norm": 1.0,
    "weight_decay": 0.01,
    "logging_steps": 10,
    "save_total_limit": 2,
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "report_to": "none",
}
"""Ours where they differ from the library's; a recipe overrides any of them."""

TIMES_KEPT = 10
"""How often a run of a number of steps is kept on its way, unless it is validated or says otherwise."""

BEST_METRIC = "best_at_target"
"""What validation is decided by, counted only once the target size is reached; the smallest is kept."""


def arguments(fields: Mapping[str, Any], *, folder: Path, seed: int, validate: bool) -> TrainingArguments:
    """Build the arguments: the recipe's own fields over our defaults.

    `validate` says whether there is a validation set: with one, the best epoch is kept; without, the last. `bf16` on a
    processor that only emulates it gives way to float32.

    Raises:
        RecipeError: The fields do not go together, or not with this machine.
    """
    on_processor = not torch.accelerator.is_available()
    ours = {
        "seed": seed,
        "dataloader_pin_memory": False,
        "accelerator_config": {"even_batches": False},  # batches differ in size: there is nothing to even out
        "use_cpu": on_processor,  # without it the library refuses bf16 on a CPU that has it
    }
    fixed = {
        "output_dir": str(folder),
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "disable_tqdm": True,  # the library's bar writes to standard output; see progress.py
        "logging_nan_inf_filter": False,  # the trainer stops at such a loss instead of hiding it
    }
    together: dict[str, Any] = {**ours, **_chosen(fields, validate=validate), **fixed}
    if on_processor and emulates_bfloat16():
        together["bf16"] = False
    with as_asked():
        made = TrainingArguments(**together)
        # Over several, the library would split every batch, and return a loss of each.
        made._n_gpu = min(made.n_gpu, 1)  # pyright: ignore[reportPrivateUsage]
        with suppress(ValueError):  # some optimizers want to see the model: `EvenTrainer` builds them
            Trainer.get_optimizer_cls_and_kwargs(made)
        return made


@contextmanager
def as_asked() -> Generator[None]:
    """Do with the library what `train` asks for, and nothing else: what it refuses is a wrong recipe.

    Raises:
        RecipeError: The fields do not go together, or not with this model or machine.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (ValueError, TypeError, ImportError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise RecipeError([f"`train` must be what transformers.TrainingArguments takes, but {why}"]) from error


def kept_on_its_way(steps: int, *, times: int) -> dict[str, Any]:
    """Return the fields by which a run of so many steps is kept so often: it may end before its first epoch does."""
    return {"save_strategy": "steps", "save_steps": math.ceil(steps / times)}


def _chosen(fields: Mapping[str, Any], *, validate: bool) -> dict[str, Any]:
    chosen = {**DEFAULTS, **fields}
    if not validate:
        steps = 0 if "save_strategy" in fields else fields.get("max_steps", 0)
        kept = kept_on_its_way(steps, times=TIMES_KEPT) if steps > 0 else {}
        return {**DEFAULTS, **kept, **fields, "eval_strategy": "no", "load_best_model_at_end": False}
    if chosen["eval_strategy"] == chosen["save_strategy"] != "no":
        best = {"load_best_model_at_end": True, "metric_for_best_model": BEST_METRIC, "greater_is_better": False}
        return {**best, **chosen}
    return chosen
