import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCTC, AutoProcessor

from secateur.errors import DataError, DivergedError, ModelError, RecipeError, RequestError
from secateur.evaluation import NORMALIZER_NAME
from secateur.jobs.prune import prune
from secateur.jobs.train import train
from secateur.recipes import recipe_from
from speech import FEW, SHAPE, TEXTS, save_recognizer, write_manifest

STEPS = {"max_steps": 4, "logging_steps": 2, "learning_rate": 1e-3}


def recipe(folder: Path, **changed: Any) -> Any:
    for part, texts in {"train": TEXTS, "valid": TEXTS[3:5], "test": TEXTS[:2]}.items():
        if not (folder / f"{part}.jsonl").is_file():
            write_manifest(folder / f"{part}.jsonl", texts)
    fields = {
        "architecture": SHAPE,
        "data": {part: str(folder / f"{part}.jsonl") for part in ("train", "valid", "test")},
        "augment": {"speed": None},
        "batch_seconds": 2.0,
        "train": STEPS,
        "bench": FEW,
        **changed,
    }
    return recipe_from({name: value for name, value in fields.items() if value is not None})


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_model_from_scratch_is_trained_measured_and_ready_to_be_pruned(tmp_path: Path) -> None:
    report = train(recipe(tmp_path), tmp_path / "out")
    assert names(tmp_path / "out") >= {
        "recipe.yaml",
        "model",
        "report.json",
        "log.jsonl",
        "transcripts.jsonl",
        "checkpoints",
    }
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    assert report["dense"]["params"] == 9074
    assert report["dense"]["words"] == 2
    assert report["valid"]["words"] == 4
    assert report["normalizer"] == NORMALIZER_NAME
    assert AutoProcessor.from_pretrained(tmp_path / "out" / "model").tokenizer("yes")["input_ids"]
    dense = str(tmp_path / "out" / "model")
    fields = {
        "model": dense,
        "criterion": "magnitude",
        "target": {"params": 0.8},
        "train": {"max_steps": 0},
        "bench": FEW,
    }
    assert prune(recipe_from(fields), tmp_path / "small")["target"]["reached"] <= 0.8


def test_without_validation_and_test_sets_those_numbers_are_absent(tmp_path: Path) -> None:
    recipe(tmp_path)
    report = train(recipe(tmp_path, data={"train": str(tmp_path / "train.jsonl")}), tmp_path / "out")
    assert not {"valid", "normalizer"} & set(report)
    assert "wer" not in report["dense"]
    assert not (tmp_path / "out" / "transcripts.jsonl").exists()


def test_a_model_that_is_given_is_trained_on(tmp_path: Path) -> None:
    dense = save_recognizer(tmp_path / "dense", seed=3)
    settings = {"architecture": None, "model": str(dense)}
    train(recipe(tmp_path, train={"max_steps": 0}, **settings), tmp_path / "same")
    before = AutoModelForCTC.from_pretrained(dense).state_dict()
    same = AutoModelForCTC.from_pretrained(tmp_path / "same" / "model").state_dict()
    assert all(torch.equal(same[name], before[name]) for name in before)
    train(recipe(tmp_path, **settings), tmp_path / "out")
    after = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model").state_dict()
    weights = [name for name in before if name.endswith("linear1.weight")]
    assert all(0 < float((after[name] - before[name]).abs().max()) < 0.1 for name in weights)


def test_a_pruned_model_trains_on_and_keeps_its_shapes(tmp_path: Path) -> None:
    fields = {"model": str(save_recognizer(tmp_path / "dense")), "criterion": "magnitude", "target": {"params": 0.7}}
    small = prune(recipe_from({**fields, "train": {"max_steps": 0}, "bench": FEW}), tmp_path / "small")
    report = train(recipe(tmp_path, architecture=None, model=str(tmp_path / "small" / "model")), tmp_path / "out")
    assert report["dense"]["params"] == small["pruned"]["params"]
    model = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")
    assert sum(parameter.numel() for parameter in model.parameters()) == small["pruned"]["params"]


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    def weights(out: str, **changed: Any) -> bytes:
        train(recipe(tmp_path, **changed), tmp_path / out)
        return (tmp_path / out / "model" / "model.safetensors").read_bytes()

    short = {"train": {**STEPS, "max_steps": 1}}
    assert weights("a", **short) == weights("b", **short) != weights("c", seed=1, **short)


def test_a_learning_rate_beyond_reason_stops_the_run_and_leaves_no_model(tmp_path: Path) -> None:
    wild = {"max_steps": 9, "learning_rate": 1e30, "warmup_steps": 0, "lr_scheduler_type": "constant"}
    with pytest.raises(DivergedError, match=r"lower `train\.learning_rate`"):
        train(recipe(tmp_path, train=wild), tmp_path / "out")
    assert not (tmp_path / "out" / "model").exists()
    good = AutoModelForCTC.from_pretrained(tmp_path / "out" / "checkpoints" / "last-good")
    assert all(tensor.isfinite().all() for tensor in good.state_dict().values())


WRONG = [
    (
        {"architecture": None},
        RecipeError,
        "`architecture` must be given to train from scratch, or `model` to fine-tune",
    ),
    ({"model": "./none"}, RecipeError, "`architecture` must be absent where `model` is given"),
    ({"architecture": None, "model": "./none"}, ModelError, "does not exist"),
    ({"target": {"params": 0.5}}, RecipeError, "`target` must be absent to train a dense model"),
    ({"data": {}}, RecipeError, "`data.train` must be given to train"),
    ({"data": {"train": "none.jsonl"}}, DataError, "there is none; check the path"),
    ({"max_seconds": 0.1}, DataError, "none of 8 can"),
    (
        {"train": {"max_steps": 1, "load_best_model_at_end": True, "eval_strategy": "no"}},
        RecipeError,
        "load_best_model_at_end",
    ),
]


@pytest.mark.parametrize(("changed", "kind", "fragment"), WRONG)
def test_a_wrong_request_writes_nothing(changed: dict[str, Any], kind: type, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(kind) as caught:
        train(recipe(tmp_path, **changed), tmp_path / "out")
    assert fragment in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_full_folder_is_refused(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    with pytest.raises(RequestError, match="must be a new or empty folder"):
        train(made, tmp_path)
