"""Transducers go through the same jobs as CTC models."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForRNNT, AutoModelForTDT

from secateur.errors import ModelError, RecipeError
from secateur.jobs.evaluate import evaluate
from secateur.jobs.prune import prune
from secateur.jobs.train import train
from secateur.recipes import recipe_from
from speech import SHAPE, fields, save_recognizer

HEADS: dict[str, dict[str, Any]] = {
    "rnnt": {"hidden_size": 16, "layers": 1},
    "tdt": {"hidden_size": 16, "layers": 1, "durations": [0, 1, 2]},
}
CLASSES: dict[str, Any] = {"rnnt": AutoModelForRNNT, "tdt": AutoModelForTDT}


def trained(folder: Path, name: str, *, steps: int = 2, **changed: Any) -> Path:
    """Train a tiny transducer on tiny speech."""
    given = fields(folder)
    recipe = {
        key: given[key] for key in ("data", "augment", "batch_seconds", "bench")
    } | {"architecture": {**SHAPE, "transducer": HEADS[name], **changed}, "train": {"max_steps": steps}}  # fmt: skip
    train(recipe_from(recipe), folder / name)
    return folder / name / "model"


@pytest.mark.parametrize("name", HEADS)
def test_it_is_trained_saved_and_measured(name: str, tmp_path: Path) -> None:
    save_recognizer(tmp_path / "ctc")
    folder = trained(tmp_path, name, encoder=str(tmp_path / "ctc"))
    assert CLASSES[name].from_pretrained(folder).config.model_type == f"parakeet_{name}"
    report = evaluate(str(folder), [str(tmp_path / "test.jsonl")])
    assert report["wer"] > 0
    losses = [line for line in (tmp_path / name / "log.jsonl").read_text().splitlines() if "loss" in line]
    assert losses


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("granularity", ["element", "n_of_m", "block"])
def test_zeros_reach_the_prediction_network_the_joint_and_the_encoder(
    granularity: str, name: str, tmp_path: Path
) -> None:
    dense = trained(tmp_path, name)
    settings = {"model": str(dense), "granularity": granularity, "block": [4, 4], "target": {"sparsity": 0.4}}
    report = prune(recipe_from(fields(tmp_path, **settings, criterion="magnitude")), tmp_path / "out")
    model = CLASSES[name].from_pretrained(tmp_path / "out" / "model")
    found = dict(model.named_parameters())
    for tensor in ("decoder.lstm.weight_ih_l0", "decoder.lstm.weight_hh_l0", "encoder_projector.weight"):
        assert 0 < int((found[tensor] == 0).sum()) < found[tensor].numel(), tensor
    assert report["target"]["reached"] == pytest.approx(report["target"]["kept"], abs=0.01)
    assert "wer" in report["pruned"]


@pytest.mark.parametrize("criterion", ["wanda", "taylor", "fisher"])
def test_every_criterion_scores_recurrent_weights(criterion: str, tmp_path: Path) -> None:
    dense = trained(tmp_path, "rnnt")
    settings = {
        "model": str(dense), "granularity": "element", "target": {"sparsity": 0.5}, "criterion": criterion,
        "schedule": {"name": "cubic", "end": 0.5}, "train": {"max_steps": 4},
    }  # fmt: skip
    prune(recipe_from(fields(tmp_path, **settings)), tmp_path / "out")
    model = AutoModelForRNNT.from_pretrained(tmp_path / "out" / "model")
    for tensor in ("decoder.lstm.weight_ih_l0", "decoder.lstm.weight_hh_l0"):
        assert 0 < int((model.get_parameter(tensor) == 0).sum()) < model.get_parameter(tensor).numel()


def test_its_encoder_loses_units_and_its_layers_are_taught(tmp_path: Path) -> None:
    dense = trained(tmp_path, "rnnt")
    settings = {
        "model": str(dense), "granularity": ["ffn_unit", "head"], "target": {"params": 0.9}, "train": {"max_steps": 2},
        "distill": {"layers": "matched", "taps": 2},
    }  # fmt: skip
    report = prune(recipe_from(fields(tmp_path, **settings)), tmp_path / "out")
    assert report["pruned"]["params"] < report["dense"]["params"]


def test_outputs_per_frame_and_label_are_not_taught(tmp_path: Path) -> None:
    settings = {"model": str(trained(tmp_path, "rnnt")), "distill": {"logits": 1.0}, "train": {"max_steps": 1}}
    with pytest.raises(RecipeError, match=r"`distill.logits` must be absent for a transducer, but is 1.0"):
        prune(recipe_from(fields(tmp_path, **settings)), tmp_path / "out")


def test_an_encoder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        trained(tmp_path, "rnnt", encoder=str(tmp_path / "nowhere"))
