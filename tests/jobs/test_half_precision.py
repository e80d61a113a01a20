"""Checkpoints in half precision train in single precision and stay what they are on disk."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForCTC, AutoModelForRNNT

from secateur.jobs.prune import prune
from secateur.jobs.train import train
from secateur.recipes import recipe_from
from speech import SHAPE, fields
from texts import NOTHING_ON_THE_WAY, save_language_model, text_fields

TRAIN = {"max_steps": 4, "learning_rate": 1e-3, "logging_steps": 2}
ELEMENTS = {"granularity": "element", "criterion": "magnitude", "target": {"sparsity": 0.5}}
WAYS: dict[str, dict[str, Any]] = {
    "units": {},
    "units, at once, by gradients": {"criterion": "taylor", "schedule": "one_shot"},
    "gates, taught": {"method": "l0", "distill": {"layers": "matched", "taps": 1, "logits": 1.0}},
    "weights in integers": {**ELEMENTS, "quantize": {"bits": 8}},
    "compressed sensing": {**ELEMENTS, "method": "compressed_sensing"},
    "ranks": {"method": "low_rank", "granularity": "rank", "low_rank": {"factors": "whitened"}},
    "norms again": {"reestimate_batches": 1},
}


def halved(fields: dict[str, Any], loader: Any, dtype: torch.dtype) -> dict[str, Any]:
    loader.from_pretrained(fields["model"]).to(dtype).save_pretrained(fields["model"])
    return fields


@pytest.mark.parametrize("way", WAYS)
def test_a_recognizer(tmp_path: Path, way: str) -> None:
    recipe = halved(fields(tmp_path, train=TRAIN, **WAYS[way]), AutoModelForCTC, torch.bfloat16)
    report = prune(recipe_from(recipe), tmp_path / "out")
    model = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")
    assert model.dtype == torch.bfloat16
    assert report["pruned"]["bytes"] <= report["dense"]["bytes"]
    assert {"wer", "latency"} <= report["pruned"].keys()


def test_a_recognizer_in_float16(tmp_path: Path) -> None:
    recipe = halved(fields(tmp_path, train=TRAIN), AutoModelForCTC, torch.float16)
    prune(recipe_from(recipe), tmp_path / "out")
    assert AutoModelForCTC.from_pretrained(tmp_path / "out" / "model").dtype == torch.float16


def test_a_transducer(tmp_path: Path) -> None:
    given = fields(tmp_path)
    shape = {"architecture": {**SHAPE, "transducer": {"hidden_size": 16, "layers": 1}}, "train": {"max_steps": 1}}
    train(
        recipe_from({key: given[key] for key in ("data", "augment", "batch_seconds", "bench")} | shape), tmp_path / "t"
    )
    recipe = {**given, "model": str(tmp_path / "t" / "model"), **ELEMENTS, "train": TRAIN}
    prune(recipe_from(halved(recipe, AutoModelForRNNT, torch.bfloat16)), tmp_path / "out")
    assert AutoModelForRNNT.from_pretrained(tmp_path / "out" / "model").dtype == torch.bfloat16


def test_small_steps_are_not_lost_in_rounding(tmp_path: Path) -> None:
    train = {
        "max_steps": 60,
        "learning_rate": 1e-4,
        "lr_scheduler_type": "constant",
        "warmup_steps": 0,
        **NOTHING_ON_THE_WAY,
    }
    given = text_fields(tmp_path, model=str(save_language_model(tmp_path / "dense")), **ELEMENTS)
    recipe = halved(given, AutoModelForCausalLM, torch.bfloat16)
    dense = AutoModelForCausalLM.from_pretrained(recipe["model"])
    prune(recipe_from({**recipe, "train": train}), tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model")
    assert model.dtype == torch.bfloat16
    before, after = (one.transformer.h[0].ln_1.weight for one in (dense, model))
    assert torch.equal(before, torch.ones_like(before))  # where 1e-4 is below half a step of bfloat16
    assert (after != before).float().mean() > 0.5
