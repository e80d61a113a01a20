"""What a prune leaves; whole runs: test_prune.py."""

from pathlib import Path
from typing import Any

import pytest

from secateur.jobs.prune import prune
from secateur.recipes import recipe_from
from secateur.tasks import SPEECH
from speech import fields

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
