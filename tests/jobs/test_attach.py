import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForCTC, Trainer, TrainerCallback, TrainingArguments

import secateur
import tiny
from secateur.errors import RecipeError, RequestError, SecateurError, TargetError
from speech import dataset, recognizer, save_recognizer


def pad(rows: list[Any]) -> dict[str, torch.Tensor]:
    """Somebody's own collator."""
    features = [torch.as_tensor(row.features) for row in rows]
    labels = [torch.tensor(row.labels) for row in rows]
    lengths = torch.tensor([len(f) for f in features])
    return {
        "input_features": torch.nn.utils.rnn.pad_sequence(features, batch_first=True),
        "attention_mask": torch.arange(int(lengths.max())) < lengths[:, None],
        "labels": torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100),
    }


def somebodys_trainer(folder: Path, *, steps: int = 6, model: Any = None, **options: Any) -> Trainer:
    speech, _, _ = dataset(folder)
    arguments = TrainingArguments(
        output_dir=str(folder / "out"), max_steps=steps, per_device_train_batch_size=4, learning_rate=5e-3,
        report_to="none", disable_tqdm=True, remove_unused_columns=False, dataloader_pin_memory=False,
        label_names=["labels"], **{"save_strategy": "no", **options},
    )  # fmt: skip
    return Trainer(model or recognizer(), arguments, train_dataset=speech, eval_dataset=speech, data_collator=pad)


def size(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_five_lines_in_anyones_script_reach_the_exact_target(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    pruning = secateur.attach(trainer, target={"params": 0.5}, granularity=["head", "ffn_unit", "conv_channel"])
    trainer.train()
    pruning.finish().save_pretrained(tmp_path / "small")
    small = AutoModelForCTC.from_pretrained(tmp_path / "small")
    assert 0.5 * 9074 - 68 < size(small) <= 0.5 * 9074  # the smallest unit that could stay is a head's or a channel's
    with torch.inference_mode():
        inputs = pad([trainer.train_dataset[0]])
        assert torch.equal(small(**inputs).logits, trainer.model.eval()(**inputs).logits)


def test_layers_become_two_in_anyones_script(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    ranks = {"method": "low_rank", "granularity": "rank", "low_rank": {"factors": "svd"}}
    pruning = secateur.attach(trainer, target={"params": 0.7}, **ranks)
    trainer.train()
    pruning.finish().save_pretrained(tmp_path / "small")
    small = AutoModelForCTC.from_pretrained(tmp_path / "small")
    assert 0.65 * 9074 < size(small) <= 0.7 * 9074
    with torch.inference_mode():
        inputs = pad([trainer.train_dataset[0]])
        assert torch.equal(small(**inputs).logits, trainer.model.eval()(**inputs).logits)


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"targets": [0.8, 0.5]}, "`targets` must be absent here, but is given; it is for `secateur prune`"),
        ({"quantize": {"bits": 8}}, "`quantize` must be absent here"),
        ({"reestimate_batches": 4, "bench": None}, "2 problems"),
        ({"method": "low_rank", "granularity": "rank"}, "`low_rank` must be {factors: svd} here"),
    ],
)
def test_what_a_trainer_cannot_do_is_refused(fields: dict[str, Any], fragment: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=fragment):
        secateur.attach(somebodys_trainer(tmp_path), target={"params": 0.5}, **fields)


def test_pruning_is_gradual_and_the_plan_can_be_written(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    pruning = secateur.attach(
        trainer, target={"params": 0.7}, criterion="magnitude", schedule={"name": "linear", "end": 1.0}
    )
    shares: list[float] = []

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            shares.append(pruning.callback.method.numbers["kept_reached"])

    trainer.add_callback(Watch())
    trainer.train()
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[3] > shares[-1]
    pruning.finish(tmp_path)
    assert (tmp_path / "plan.json").is_file()
    assert {group.granularity for group in pruning.groups} == {"head", "ffn_unit", "conv_channel"}


def test_a_plan_of_zeros_says_how_many_stay(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path, steps=2)
    fields = {"granularity": "element", "criterion": "magnitude", "schedule": "one_shot"}
    pruning = secateur.attach(trainer, target={"sparsity": 0.5}, **fields)
    trainer.train()
    pruning.finish(tmp_path)
    sites = json.loads((tmp_path / "plan.json").read_text())["sites"]
    kept, units = (sum(site[key] for site in sites) for key in ("kept_count", "units"))
    assert kept == pytest.approx(units / 2, abs=1)


def test_the_small_model_trains_on_in_the_same_trainer(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path, steps=4)
    pruning = secateur.attach(trainer, target={"params": 0.7})
    trainer.train()
    small = size(pruning.finish())
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    trainer.train()
    assert size(trainer.model) == small
    trained = {id(parameter) for group in trainer.optimizer.param_groups for parameter in group["params"]}
    assert all(id(parameter) in trained for parameter in trainer.model.parameters())
    moved = [name for name, weight in trainer.model.named_parameters() if not torch.equal(weight, before[name])]
    assert len(moved) > 0.9 * len(before)  # a gate's bias may see no gradient in four steps
    assert trainer.evaluate()["eval_loss"] > 0


def test_zeros_stay_where_training_goes_on(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path, steps=4)
    pruning = secateur.attach(trainer, target={"sparsity": 0.75}, granularity="element")
    trainer.train()
    model = pruning.finish()
    weights = [model.get_parameter(group.slices[0].tensor) for group in pruning.groups]
    zeros = [weight == 0 for weight in weights]
    trainer.train()
    assert all(bool((weight[zero] == 0).all()) for weight, zero in zip(weights, zeros, strict=True))


RANKS = {"method": "low_rank", "granularity": "rank", "low_rank": {"factors": "svd"}}


@pytest.mark.parametrize(
    "fields",
    [{"target": {"params": 9074}}, {"target": {"params": 0.7}, "distill": {"logits": 1.0, "teacher": "./nowhere"}}],
    ids=["as small already", "no such teacher"],
)
def test_what_cannot_be_attached_leaves_the_model_as_it_was(fields: dict[str, Any], tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    before, callbacks = list(trainer.model.modules()), list(trainer.callback_handler.callbacks)
    with pytest.raises(SecateurError):
        secateur.attach(trainer, **RANKS, **fields)
    assert list(trainer.model.modules()) == before
    assert trainer.callback_handler.callbacks == callbacks


def test_a_rate_that_waits_for_a_plateau_is_refused(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path, lr_scheduler_type="reduce_lr_on_plateau", eval_strategy="epoch")
    with pytest.raises(RecipeError, match="must be one that follows the steps"):
        secateur.attach(trainer, target={"params": 0.7})


def test_factors_need_an_optimizer_that_knows_them(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    trainer.optimizer = torch.optim.AdamW(trainer.model.parameters())
    with pytest.raises(RequestError, match="must have no optimizer yet"):
        secateur.attach(trainer, target={"params": 0.7}, **RANKS)


def test_a_finish_that_fails_can_be_called_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = somebodys_trainer(tmp_path, steps=2)
    pruning = secateur.attach(trainer, target={"params": 0.7})
    trainer.train()
    with monkeypatch.context() as broken:
        broken.setattr("secateur.jobs.attach.shrink", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pruning.finish()
    assert size(pruning.finish()) <= 0.7 * 9074


def test_single_weights_become_zeros_and_the_shapes_stay(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    pruning = secateur.attach(trainer, target={"sparsity": 0.75}, granularity="element")
    trainer.train()
    model = pruning.finish()
    assert size(model) == 9074
    weights = [model.get_parameter(group.slices[0].tensor) for group in pruning.groups]
    zeros, total = sum(int((w == 0).sum()) for w in weights), sum(w.numel() for w in weights)
    assert zeros == round(0.75 * total)


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("granularity", ["element", "n_of_m", "block"])
def test_zeros_are_chosen_by_where_weights_move_to(granularity: str, kind: str, tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    pruning = secateur.attach(
        trainer, target={"sparsity": 0.5}, granularity=granularity, criterion={"name": "movement", "kind": kind},
        schedule={"name": "cubic", "start": 0.2, "end": 0.8},
    )  # fmt: skip
    with pytest.raises(RequestError, match="what leaves is chosen by gradients"):
        pruning.finish()
    trainer.train()
    model = pruning.finish()
    weights = [model.get_parameter(group.slices[0].tensor) for group in pruning.groups]
    zeros, total = sum(int((w == 0).sum()) for w in weights), sum(w.numel() for w in weights)
    assert 0 <= zeros - round(0.5 * total) < (64 if granularity == "block" else 1)
    model.save_pretrained(tmp_path / "sparse")
    again = AutoModelForCTC.from_pretrained(tmp_path / "sparse")
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_the_best_checkpoint_of_anyones_trainer_has_the_target_size(tmp_path: Path) -> None:
    every = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 1, "save_steps": 1}
    trainer = somebodys_trainer(tmp_path, load_best_model_at_end=True, **every)
    pruning = secateur.attach(
        trainer, target={"sparsity": 0.9}, granularity="element", schedule={"name": "linear", "end": 0.75}
    )
    trainer.train()
    assert trainer.state.best_global_step >= 5
    weights = [trainer.model.get_parameter(group.slices[0].tensor) for group in pruning.groups]
    assert sum(int((w == 0).sum()) for w in weights) == round(0.9 * sum(w.numel() for w in weights))


def test_a_criterion_without_gradients_needs_no_training(tmp_path: Path) -> None:
    pruning = secateur.attach(somebodys_trainer(tmp_path), target={"params": 0.7}, criterion="magnitude")
    assert size(pruning.finish()) <= 0.7 * 9074


def test_one_with_gradients_does(tmp_path: Path) -> None:
    pruning = secateur.attach(somebodys_trainer(tmp_path), target={"params": 0.7})
    with pytest.raises(RequestError, match=r"`finish` must come after `trainer\.train\(\)`"):
        pruning.finish()


SENSED = {"target": {"sparsity": 0.5}, "granularity": "element", "method": "compressed_sensing"}
WRONG = [
    ({"target": {"params": 50}}, RecipeError, "did you mean 0.5?"),
    ({"target": {"params": 0.5}, "granularty": "head"}, RecipeError, "did you mean `granularity`?"),
    ({"target": {"params": 0.5}, "criterion": "taylr"}, RecipeError, "did you mean taylor?"),
    ({"target": {"params": 0.5}, "data": {"train": "x"}}, RecipeError, "`data` must be absent here, but is given"),
    ({"target": {"params": 0.5}, "model": "x", "train": {}}, RecipeError, "2 problems"),
    ({"target": {"sparsity": 0.5}}, RecipeError, "`target.sparsity` must go with granularity element"),
    ({"target": {"params": 0.5}, "granularity": ["element", "head"]}, RecipeError, "must have element alone"),
    ({"target": {"params": 0.5}, "schedule": {"name": "cubic", "start": 0.9}}, RecipeError, "must be at most"),
    (
        {"target": {"params": 0.5}, "criterion": "movement", "schedule": "one_shot"},
        RecipeError,
        "`schedule` must be linear or cubic for the criterion movement",
    ),
    (
        {"target": {"params": 0.5}, "method": "l0", "schedule": "one_shot"},
        RecipeError,
        "`schedule` must be linear or cubic for the method l0",
    ),
    (
        {"target": {"params": 0.5}, "method": "compressed_sensing"},
        RecipeError,
        "`granularity` must be element, n_of_m or block for the method compressed_sensing",
    ),
    (
        {**SENSED, "schedule": "one_shot"},
        RecipeError,
        "`schedule` must be linear or cubic for the method compressed_sensing",
    ),
    ({**SENSED, "sensing": {"pull": 0.1}}, RecipeError, "`sensing.pull` must be absent or 0 with `use: forward`"),
    ({**SENSED, "scheduled": {"l1": 1e-3}}, RecipeError, "`scheduled.l1` must go with the method scheduled"),
    ({"target": {"params": 0.5}, "distill": {}}, RecipeError, "`distill` must have `layers` or `logits`"),
    ({"target": {"params": 100_000}}, TargetError, "must be below what the model has"),
    ({"target": {"params": 0.01}}, TargetError, "which is what stays when all leaves"),
]


@pytest.mark.parametrize(("fields", "kind", "fragment"), WRONG)
def test_a_wrong_request_is_said_when_it_is_made(
    fields: dict[str, Any], kind: type, fragment: str, tmp_path: Path
) -> None:
    trainer = somebodys_trainer(tmp_path)
    before = list(trainer.callback_handler.callbacks)
    with pytest.raises(kind) as caught:
        secateur.attach(trainer, **fields)
    assert fragment in str(caught.value)
    assert trainer.callback_handler.callbacks == before


def test_gates_and_a_teacher_ride_on_anyones_trainer(tmp_path: Path) -> None:
    trainer = somebodys_trainer(tmp_path)
    pruning = secateur.attach(
        trainer,
        target={"params": 0.6},
        method="l0",
        schedule={"name": "linear", "start": 0.2, "end": 0.7},
        distill={"layers": "matched", "taps": 2, "logits": 1.0},
    )
    with pytest.raises(RequestError, match="what leaves is chosen by gradients"):
        pruning.finish()
    trainer.train()
    pruning.finish().save_pretrained(tmp_path / "small")
    small = AutoModelForCTC.from_pretrained(tmp_path / "small")
    assert 0.6 * 9074 - 68 < size(small) <= 0.6 * 9074
    assert not any(module._forward_hooks for module in trainer.model.modules())


def test_a_named_teacher_is_loaded(tmp_path: Path) -> None:
    save_recognizer(tmp_path / "teacher", seed=3)
    trainer = somebodys_trainer(tmp_path, steps=2)
    secateur.attach(trainer, target={"params": 0.6}, distill={"logits": 1.0, "teacher": str(tmp_path / "teacher")})
    model, losses = trainer.model, []
    model.register_forward_hook(lambda _, __, output: losses.append(float(output.loss.detach())))
    trainer.train()
    alone = somebodys_trainer(tmp_path, steps=2)
    alone.model.register_forward_hook(lambda _, __, output: losses.append(float(output.loss.detach())))
    alone.train()
    assert losses[0] > losses[2]


@pytest.mark.parametrize("name", ["gpt2", "opt", "llama"])
@pytest.mark.parametrize("method", ["scheduled", "l0"])
def test_a_language_model_is_pruned_like_any_other(name: str, method: str, tmp_path: Path) -> None:
    model = tiny.randomise(tiny.MODELS[name](layers=3), 0).float()
    texts = [{key: row[i] for key, row in tiny.labelled_for(model).items()} for i in (0, 1)] * 4
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"), max_steps=6, per_device_train_batch_size=2, learning_rate=1e-3,
        report_to="none", disable_tqdm=True, save_strategy="no", dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = Trainer(model, arguments, train_dataset=texts)  # pyright: ignore[reportArgumentType]
    dense = size(model)
    pruning = secateur.attach(
        trainer, target={"params": 0.6}, criterion="taylor", method=method, granularity=["head", "ffn_unit", "module"],
        schedule={"name": "cubic", "start": 0.2, "end": 0.8},
    )  # fmt: skip
    trainer.train()
    pruning.finish().save_pretrained(tmp_path / "small")
    small = AutoModelForCausalLM.from_pretrained(tmp_path / "small")
    assert size(small) <= 0.6 * dense
    with torch.inference_mode():
        assert torch.equal(tiny.output(small, tiny.tokens()), tiny.output(trainer.model.eval(), tiny.tokens()))
