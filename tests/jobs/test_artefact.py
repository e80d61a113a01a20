"""What a prune leaves; whole runs: test_prune.py."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from secateur.jobs.prune import prune
from secateur.recipes import recipe_from
from secateur.surgery import ranks
from secateur.tasks import SPEECH
from speech import fields
from texts import save_language_model, text_fields

ONCE = {"criterion": "magnitude", "schedule": "one_shot", "train": {"max_steps": 0}}


def test_the_dense_model_is_judged_once_for_two_prunes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Any] = []
    judge = type(SPEECH).judge
    monkeypatch.setattr(
        type(SPEECH), "judge", lambda self, model, *rest: (judged.append(model), judge(self, model, *rest))[1]
    )
    given = fields(tmp_path, **ONCE)
    first, second = (
        prune(recipe_from({**given, "target": {"params": kept}}), tmp_path / f"{kept}") for kept in (0.95, 0.9)
    )
    assert len(judged) == 3
    rates = ("wer", "cer", "words", "wer_ci95")
    assert [first["dense"][key] for key in rates] == [second["dense"][key] for key in rates]
    lines = [(tmp_path / f"{kept}" / "transcripts.jsonl").read_text().count('"dense"') for kept in (0.95, 0.9)]
    assert lines[0] == lines[1] > 0


def test_layers_that_became_two_and_those_that_stayed_whole_are_reported(tmp_path: Path) -> None:
    given = text_fields(tmp_path, model=str(save_language_model(tmp_path / "lm")), criterion="magnitude")
    given |= {"method": "low_rank", "granularity": "rank", "schedule": "one_shot", "target": {"params": 0.9}}
    report = prune(recipe_from({**given, "train": {"max_steps": 0}}), tmp_path / "out")["low_rank"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model")
    assert report["ranks"] == ranks(model)
    assert report["ranks"]
    assert report["whole"]
    assert all(hasattr(model.get_submodule(name), "weight") and name not in report["ranks"] for name in report["whole"])
    assert "Layers in two factors" in (tmp_path / "out" / "report.html").read_text()


def test_layers_that_were_two_already_are_not_whole(tmp_path: Path) -> None:
    given = text_fields(tmp_path, model=str(save_language_model(tmp_path / "lm")), criterion="magnitude")
    given |= {"method": "low_rank", "granularity": "rank", "schedule": "one_shot", "train": {"max_steps": 0}}
    prune(recipe_from({**given, "target": {"params": 0.9}}), tmp_path / "once")
    again = {**given, "model": str(tmp_path / "once" / "model"), "target": {"params": 0.995}}
    found = prune(recipe_from(again), tmp_path / "twice")["low_rank"]
    kept = ranks(AutoModelForCausalLM.from_pretrained(tmp_path / "once" / "model"))
    assert any(found["ranks"][name] == rank for name, rank in kept.items())
    assert not set(found["whole"]) & found["ranks"].keys()
