from pathlib import Path
from typing import Any

import pytest

from secateur.data.demo import Corpus
from secateur.errors import RequestError
from secateur.jobs import demo as module
from secateur.jobs.demo import demo
from secateur.recipes import load
from speech import FEW, SHAPE, TEXTS, save_recognizer, write_manifest

SMALL = [
    "train={max_steps: 2, logging_steps: 1}", "batch_seconds=3", f"bench={FEW}".replace("'", ""),
]  # fmt: skip

SHALLOW = "distill.taps=2"
"""The recognizers of the tests have two layers."""


def corpus(folder: Path) -> Corpus:
    """Three sets of tones where the demo would speak."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {"train": len(TEXTS), "valid": 2, "test": 3}
    for split, count in counts.items():
        write_manifest(folder / f"{split}.jsonl", TEXTS[:count])
    return Corpus(folder=folder, seed=0, **counts)


def test_the_demo_prunes_the_model_that_comes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECKPOINT", save_recognizer(tmp_path / "dense"))
    report = demo(tmp_path / "demo", corpus=corpus, overrides=[*SMALL, SHALLOW])
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {"speech", "pruned"}
    assert report["target"]["reached"] <= 0.5
    assert report["pruned"]["words"] == report["dense"]["words"] == 4
    assert (tmp_path / "demo" / "pruned" / "report.html").is_file()
    assert report["command"] == "secateur demo"
    with pytest.raises(RequestError, match="must be a new or empty folder"):
        demo(tmp_path / "demo", corpus=corpus, overrides=SMALL)


def test_from_scratch_the_dense_model_is_trained_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = module._recipe

    def smaller(name: str, out: Path, overrides: Any, *, verb: Any) -> Any:
        shape = [f"architecture={SHAPE}".replace("'", "")] if verb == "train" else [SHALLOW]
        return original(name, out, [*overrides, *shape], verb=verb)

    monkeypatch.setattr(module, "_recipe", smaller)
    report = demo(tmp_path / "demo", from_scratch=True, corpus=corpus, overrides=SMALL)
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {"speech", "dense", "pruned"}
    assert report["recipe"]["model"] == str(tmp_path / "demo" / "dense" / "model")


@pytest.mark.parametrize(("name", "verb"), [("demo-train", "train"), ("demo-prune", "prune")])
def test_the_demos_recipes_read_the_speech_of_its_own_folder(name: str, verb: Any) -> None:
    made = module._recipe(name, Path("there"), [], verb=verb)
    assert made.data.train == "there/speech/train.jsonl"
    assert load(name, verb=verb).train == made.train


def test_a_checkpoint_comes_along() -> None:
    if not module.CHECKPOINT.is_dir():
        pytest.skip("recipes/demo-dense has not been made yet: `secateur train demo-train` makes it")
    assert (module.CHECKPOINT / "model.safetensors").is_file()
    assert (module.CHECKPOINT / "processor_config.json").is_file()
