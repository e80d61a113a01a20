import json
from pathlib import Path
from typing import Any

import yaml

from speech import FEW, SHAPE, TEXTS, write_manifest


def scratch(folder: Path, **changed: Any) -> str:
    write_manifest(folder / "train.jsonl")
    write_manifest(folder / "test.jsonl", TEXTS[:2])
    fields = {
        "architecture": SHAPE,
        "data": {part: str(folder / f"{part}.jsonl") for part in ("train", "test")},
        "augment": {"speed": None},
        "batch_seconds": 3.0,
        "train": {"max_steps": 2, "logging_steps": 1},
        "bench": FEW,
        **changed,
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(fields))
    return str(folder / "recipe.yaml")


def test_a_dense_model_is_trained_and_its_numbers_printed(tmp_path: Path, secateur: Any) -> None:
    said = secateur("train", scratch(tmp_path), "train.max_steps=3", "--out", tmp_path / "out")
    assert said.code == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert f"{report['dense']['params']:,}" in said.out
    assert len((tmp_path / "out" / "log.jsonl").read_text().splitlines()) == 3
    assert report["command"].startswith("secateur train ")
    assert "train.max_steps=3" in report["command"]


def test_a_wrong_request_exits_2_and_writes_nothing(tmp_path: Path, secateur: Any) -> None:
    path = scratch(tmp_path)
    said = secateur("train", path, "architecture.heads=3", "train.lerning_rate=1", "seed=x", "--out", tmp_path / "out")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("secateur: 3 problems:\n  - ")
    assert "did you mean `train.learning_rate`?" in said.err
    assert not (tmp_path / "out").exists()
    assert secateur("train", path, "target.params=0.5", "--out", tmp_path / "out").code == 2
