from pathlib import Path
from typing import Any

import pytest
import torch

from secateur.criteria import Taylor
from secateur.data import EvenBatches, collate
from secateur.errors import WorkError
from secateur.jobs.calibrate import calibrate
from secateur.jobs.compose import compose
from secateur.recipes import Recipe, recipe_from
from secateur.tasks.speech import training_speech
from speech import fields, processor, recognizer

BATCHES = {"calibration_batches": 2, "batch_seconds": 3.0}


def set_up(folder: Path, **changed: Any) -> tuple[Any, Any, Any, Recipe]:
    recipe = recipe_from(fields(folder, **{"criterion": "taylor", "seed": 5, **BATCHES, **changed}))
    model = recognizer()
    pruning = compose(recipe, model)
    pruning.method.prepare(model, pruning.groups, total_steps=0)
    return model, pruning.method, training_speech(recipe, model, processor(), plain=True), recipe


def test_scores_are_the_mean_over_batches_of_the_gates_gradients(tmp_path: Path) -> None:
    model, method, speech, recipe = set_up(tmp_path)
    calibrate(model, speech, recipe, observe=method.observe)
    site, layer = "encoder.layers.0.feed_forward1:ffn_unit", model.encoder.layers[0].feed_forward1.linear2
    total = torch.zeros(layer.in_features)
    for batch in list(EvenBatches(speech.sizes, 3.0, seed=5))[:2]:
        model.zero_grad()
        model(**collate([speech.dataset[draw] for draw in batch])).loss.backward()
        total += Taylor().units((layer.weight * layer.weight.grad).sum(0).detach())
    torch.testing.assert_close(method._running.scores[site], total / 2)


def test_no_more_batches_are_read_than_there_are(tmp_path: Path) -> None:
    model, method, speech, recipe = set_up(tmp_path, calibration_batches=1000)
    calibrate(model, speech, recipe, observe=method.observe)
    assert method._running.count == len(EvenBatches(speech.sizes, 3.0))


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_not_changed(training: bool, tmp_path: Path) -> None:
    model, method, speech, recipe = set_up(tmp_path)
    model.train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    calibrate(model, speech, recipe, observe=method.observe)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert model.training is training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_inputs_are_seen_without_a_backward(tmp_path: Path) -> None:
    """A third of the time, and nothing is kept for it."""
    found: list[Any] = []
    for gradients in (True, False):
        model, method, speech, recipe = set_up(tmp_path, criterion="wanda")
        model.ctc_head.weight.requires_grad_(False)
        kept: list[bool] = []
        model.ctc_head.register_forward_hook(lambda *given, kept=kept: kept.append(given[2].requires_grad))
        calibrate(model, speech, recipe, observe=method.observe, gradients=gradients)
        assert kept == [gradients] * 2
        assert method.needs_gradients is False
        assert [name for name, one in model.named_parameters() if not one.requires_grad] == ["ctc_head.weight"]
        found.append(method._running.scores)
    assert found[0].keys() == found[1].keys()
    for name in found[0]:
        torch.testing.assert_close(found[0][name], found[1][name])
    assert any(score.any() for score in found[1].values())


def test_recurrent_layers_are_asked_for_gradients_without_cudnn(tmp_path: Path) -> None:
    """It refuses them in eval mode."""
    model, method, speech, recipe = set_up(tmp_path)
    asked: list[bool] = []
    model.register_forward_pre_hook(lambda *_: asked.append(torch.backends.cudnn.enabled))
    calibrate(model, speech, recipe, observe=method.observe)
    assert set(asked) == {True}
    model.add_module("prediction", torch.nn.LSTM(2, 2))
    asked.clear()
    calibrate(model, speech, recipe, observe=method.observe)
    assert set(asked) == {False}
    assert torch.backends.cudnn.enabled


def test_a_model_whose_loss_is_no_number_is_refused(tmp_path: Path) -> None:
    model, method, speech, recipe = set_up(tmp_path)
    with torch.no_grad():
        model.ctc_head.bias.fill_(torch.nan)
    with pytest.raises(WorkError, match="the loss of a calibration batch must be a finite number, but is nan"):
        calibrate(model, speech, recipe, observe=method.observe)
