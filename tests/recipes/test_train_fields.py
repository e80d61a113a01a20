from typing import Any

import pytest

from secateur.recipes.train_fields import ENDLESS, OWNED, RANGES, fields, problems

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"learning_rat": 1e-3}, "not a field of transformers.TrainingArguments; did you mean `train.learning_rate`?"),
    ({"warmup_ratio": 0.1}, "did you mean `train.warmup_steps`?"),
    ({"zzz": 1}, "see its documentation"),
    ({"output_dir": "x"}, "`train.output_dir` must be absent, since secateur sets it itself; `--out` names the folder"),
    ({"per_device_train_batch_size": 8}, "use `batch_seconds`"),
    ({"resume_from_checkpoint": "x"}, "`--resume`"),
    ({"seed": 1}, "the recipe's own `seed`"),
    ({"learning_rate": "fast"}, "`train.learning_rate` must be a number, but is 'fast'"),
    ({"learning_rate": True}, "must be a number, but is true"),
    ({"max_steps": 1.5}, "must be an integer, but is 1.5"),
    ({"bf16": 1}, "must be true or false, but is 1"),
    ({"run_name": 3}, "must be text or null, but is 3"),
    ({"adam_epsilon": None}, "must be a number, but is null"),
    ({"label_smoothing_factor": 0.1}, "must be absent, since secateur sets it itself; the loss is the model's own"),
    ({"bf16_full_eval": True}, "must be absent, since secateur sets it itself; validation measures the model as it is"),
    ({"lr_scheduler_type": "cosin"}, "but is 'cosin'; did you mean cosine?"),
    ({"learning_rate": -1e-3}, "`train.learning_rate` must be a finite number of at least 0, but is -0.001"),
    ({"learning_rate": float("nan")}, "must be a finite number of at least 0, but is nan"),
    ({"gradient_accumulation_steps": 0}, "must be a finite number of at least 1, but is 0"),
    ({"eval_delay": float("inf")}, "`train.eval_delay` must be a finite number, but is inf"),
    ({"eval_delay": -float("inf")}, "`train.eval_delay` must be a finite number, but is -inf"),
    ({"adam_beta1": 1.0}, "`train.adam_beta1` must be a finite number of at least 0 and below 1, but is 1"),
    ({"eval_strategy": False}, "write 'no' in quotes, YAML reads it as false"),
]

RIGHT: list[dict[str, Any]] = [
    {"learning_rate": 0, "gradient_accumulation_steps": 1, "max_steps": -1, "max_grad_norm": float("inf")},
    {"learning_rate": 1, "warmup_steps": 0.12, "num_train_epochs": 3},
    {"lr_scheduler_type": "cosine", "eval_strategy": "no", "optim": "adamw_torch"},
    {"lr_scheduler_kwargs": {"num_cycles": 1}, "report_to": ["tensorboard"], "tf32": None},
    {"include_for_metrics": ["loss"], "fsdp_config": {"x": 1}, "debug": "", "trackio_static_space_id": False},
]


@pytest.mark.parametrize(("train", "fragment"), WRONG)
def test_a_wrong_training_argument_is_said(train: dict[str, Any], fragment: str) -> None:
    (problem,) = problems(train)
    assert fragment in problem


@pytest.mark.parametrize("train", RIGHT)
def test_right_training_arguments_pass(train: dict[str, Any]) -> None:
    assert not list(problems(train))


def test_what_we_name_exists() -> None:
    assert OWNED.keys() | RANGES.keys() | ENDLESS <= fields().keys()
