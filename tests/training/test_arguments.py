from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainingArguments

from secateur.errors import RecipeError
from secateur.training.arguments import BEST_METRIC, DEFAULTS, arguments, as_asked


def made(fields: dict[str, Any] | None = None, *, validate: bool = True) -> Any:
    return arguments(fields or {}, folder=Path("checkpoints"), seed=3, validate=validate)


def test_our_defaults_hold_where_the_recipe_is_silent() -> None:
    found = made()
    for name in ("learning_rate", "warmup_steps", "max_grad_norm", "weight_decay", "logging_steps", "save_total_limit"):
        assert getattr(found, name) == DEFAULTS[name]
    assert (found.seed, found.output_dir) == (3, "checkpoints")


def test_the_recipe_overrides_any_of_them() -> None:
    found = made({"learning_rate": 0.1, "save_strategy": "steps", "eval_strategy": "steps", "save_steps": 20})
    assert (found.learning_rate, found.save_strategy, found.save_steps) == (0.1, "steps", 20)
    assert found.load_best_model_at_end


def test_with_a_validation_set_the_best_epoch_is_kept() -> None:
    found = made()
    assert found.load_best_model_at_end
    assert (found.metric_for_best_model, found.greater_is_better) == (BEST_METRIC, False)


def test_without_one_the_last_is() -> None:
    found = made(validate=False)
    assert not found.load_best_model_at_end
    assert found.eval_strategy == "no"


def test_a_run_of_so_many_steps_is_kept_on_its_way_though_its_epoch_never_ends() -> None:
    found = made({"max_steps": 1001}, validate=False)
    assert (found.save_strategy, found.save_steps) == ("steps", 101)
    assert made({"max_steps": 1000, "save_steps": 7}, validate=False).save_steps == 7
    assert made({"max_steps": 1000, "save_strategy": "epoch"}, validate=False).save_strategy == "epoch"
    assert made({"max_steps": 0}, validate=False).save_strategy == "epoch"
    assert made({"max_steps": 1000}).save_strategy == "epoch"


@pytest.mark.parametrize(
    "fields", [{"save_strategy": "no"}, {"save_strategy": "steps"}, {"eval_strategy": "no"}, {"eval_strategy": "steps"}]
)
def test_checkpoints_that_are_not_validated_cannot_be_compared(fields: dict[str, Any]) -> None:
    assert not made(fields).load_best_model_at_end


def test_nothing_goes_to_loggers_or_standard_output_by_itself() -> None:
    found = made()
    assert found.report_to == []
    assert found.disable_tqdm


def test_what_the_trainer_must_be_told_cannot_be_overridden() -> None:
    found = made({"disable_tqdm": False, "logging_nan_inf_filter": True})
    assert found.disable_tqdm
    assert not found.logging_nan_inf_filter


WRONG = [
    ({"load_best_model_at_end": True, "eval_strategy": "no"}, "load_best_model_at_end"),
    ({"eval_strategy": "steps", "save_strategy": "steps", "save_steps": 7}, "a round multiple of the evaluation steps"),
    ({"optim": "no-such-optimizer"}, "no-such-optimizer"),
    ({"eval_strategy": "steps", "eval_steps": 0, "logging_steps": 0}, "logging_steps"),
    ({"optim": "adamw_bnb_8bit"}, "bitsandbytes"),
]


@pytest.mark.parametrize(("fields", "fragment"), WRONG)
def test_fields_that_do_not_go_together_are_a_recipe_error(fields: dict[str, Any], fragment: str) -> None:
    with pytest.raises(RecipeError) as caught:
        made(fields)
    assert str(caught.value).startswith("`train` must be what transformers.TrainingArguments takes, but ")
    assert fragment in str(caught.value)


def test_an_optimizer_that_wants_to_see_the_model_is_not_judged_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def wants(*_: object) -> None:
        raise ValueError("You need to pass a `model`")

    monkeypatch.setattr("transformers.Trainer.get_optimizer_cls_and_kwargs", wants)
    assert made({"optim": "lomo"}).optim == "lomo"


def test_a_full_memory_is_no_wrong_recipe() -> None:
    with pytest.raises(torch.OutOfMemoryError), as_asked():
        raise torch.OutOfMemoryError


def as_if(has_avx512: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    has = {"architecture": "x86_64", "avx512_f": has_avx512}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)


def test_bfloat16_trains_on_a_processor_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    as_if(True, monkeypatch)
    found = made({"bf16": True})
    assert found.bf16
    assert found.use_cpu is not torch.accelerator.is_available()


def test_of_several_cards_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(self: TrainingArguments) -> torch.device:
        self._n_gpu = 4
        return torch.device("cpu")

    monkeypatch.setattr(TrainingArguments, "_setup_devices", property(found))
    assert made({}).n_gpu == 1


def test_bfloat16_gives_way_where_a_processor_emulates_it(monkeypatch: pytest.MonkeyPatch) -> None:
    as_if(False, monkeypatch)
    assert made({"bf16": True}).bf16 is torch.accelerator.is_available()
