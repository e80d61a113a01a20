import math
from pathlib import Path
from typing import Any

import pytest
import torch

from secateur.data import collate
from secateur.errors import DivergedError, RecipeError
from secateur.training import EvenTrainer, arguments
from speech import dataset, recognizer


def trainer(
    folder: Path, *, model: Any = None, measure: Any = None, seconds: float = 2.0, **fields: Any
) -> EvenTrainer:
    speech, sizes, _ = dataset(folder)
    chosen = {"max_steps": 4, "logging_steps": 1, "save_strategy": "no", **fields}
    return EvenTrainer(
        recognizer() if model is None else model,
        arguments(chosen, folder=folder / "checkpoints", seed=0, validate=measure is not None),
        dataset=speech,
        sizes=sizes,
        batch_size=seconds,
        collate=collate,
        measure=measure,
    )


def test_a_few_steps_bring_the_loss_down(tmp_path: Path) -> None:
    made = trainer(tmp_path, model=recognizer(dropout=0.0), max_steps=12, learning_rate=5e-3, seconds=100.0)
    made.train()
    losses = [line["loss"] for line in made.state.log_history if "loss" in line]
    assert len(losses) == 12
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"neftune_noise_alpha": 5.0}, "get_input_embeddings"),
        ({"lr_scheduler_type": "warmup_stable_decay"}, "num_decay_steps"),
        ({"lr_scheduler_type": "cosine", "lr_scheduler_kwargs": {"cycles": 2}}, "cycles"),
    ],
)
def test_what_the_library_cannot_do_for_this_model_is_a_wrong_recipe(
    asked: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=f"`train` must be what .* takes, but .*{said}"):
        trainer(tmp_path, **asked).train()


def test_each_epoch_has_as_many_steps_as_there_are_batches(tmp_path: Path) -> None:
    made = trainer(tmp_path, max_steps=-1, num_train_epochs=2)
    made.train()
    assert made.state.global_step == 2 * math.ceil(made._sizes.sum() / 2.0)


def test_every_epoch_sees_every_utterance_in_another_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trainer(tmp_path, max_steps=-1, num_train_epochs=3)
    draws: list[tuple[int, int]] = []
    original = type(made.train_dataset).__getitem__

    def watched(self: Any, draw: Any) -> Any:
        draws.append(draw)
        return original(self, draw)

    monkeypatch.setattr(type(made.train_dataset), "__getitem__", watched)
    made.train()
    epochs = [[index for epoch, index in draws if epoch == wanted] for wanted in range(3)]
    assert all(sorted(epoch) == list(range(8)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_gradients_accumulate_over_batches(tmp_path: Path) -> None:
    made = trainer(tmp_path, max_steps=-1, num_train_epochs=1, gradient_accumulation_steps=2)
    batches = math.ceil(made._sizes.sum() / 2.0)
    made.train()
    assert made.state.global_step == math.ceil(batches / 2)


def test_nothing_is_written_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trainer(tmp_path, max_steps=1).train()
    assert capsys.readouterr().out == ""


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    model = recognizer()
    with torch.no_grad():
        model.ctc_head.bias[3] = math.nan
    with pytest.raises(
        DivergedError, match=r"must be a finite number, but is nan at step 1; the last good state is kept"
    ):
        trainer(tmp_path, model=model).train()


def test_validation_calls_what_measures_in_eval_mode(tmp_path: Path) -> None:
    modes: list[bool] = []

    def measure(model: Any) -> dict[str, float]:
        modes.append(model.training or torch.is_grad_enabled())
        return {"wer": 0.5, "wer_x": 0.25}

    made = trainer(tmp_path, measure=measure, max_steps=4, eval_strategy="steps", eval_steps=2)
    made.train()
    assert modes == [False, False]
    evaluations = [line for line in made.state.log_history if "eval_wer" in line]
    found = [(line["step"], line["eval_wer"], line["eval_wer_x"]) for line in evaluations]
    assert found == [(2, 0.5, 0.25), (4, 0.5, 0.25)]


def test_the_checkpoint_with_the_smallest_error_rate_is_what_remains(tmp_path: Path) -> None:
    rates = iter([0.5, 0.2, 0.4])
    weights: list[torch.Tensor] = []

    def measure(model: Any) -> dict[str, float]:
        weights.append(model.ctc_head.weight.detach().clone())
        return {"wer": next(rates)}

    steps = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 1, "save_steps": 1}
    made = trainer(tmp_path, measure=measure, max_steps=3, **steps)
    made.train()
    assert torch.equal(made.model.ctc_head.weight, weights[1])
    assert not torch.equal(weights[1], weights[2])


def test_without_validation_evaluating_gives_nothing(tmp_path: Path) -> None:
    assert trainer(tmp_path).evaluate() == {}


def test_a_run_that_had_ended_is_taken_up_where_it_ended(tmp_path: Path) -> None:
    fields = {"max_steps": 3, "save_strategy": "steps", "save_steps": 3, "lr_scheduler_type": "constant"}
    made, again = trainer(tmp_path, **fields), trainer(tmp_path, **fields)  # an epoch has more than three steps
    made.train()
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoints" / "checkpoint-3"))
    assert again.state.global_step == 3
    found = again.model.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in made.model.state_dict().items())
