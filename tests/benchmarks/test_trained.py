from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import tiny
from benchmarks import trained
from secateur.tasks.models import load_model

KEPT = {"keep": True, "recipe": "train-lm"}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "MODELS", tmp_path / "models")
    monkeypatch.setattr(trained, "RUNS", tmp_path / "runs")


def test_a_model_that_is_committed_is_not_trained_again(
    folders: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, made = tiny.ctc(), []

    def train(name: str, experiment: object) -> None:
        model.save_pretrained(trained.model_of(name))
        made.append(name)

    monkeypatch.setattr(trained, "_train", train)
    assert trained.missing("dense", KEPT)
    trained.run("dense", KEPT)
    assert not trained.missing("dense", KEPT)

    first = load_model(str(trained.model_of("dense"))).state_dict()
    trained.model_of("dense").rename(tmp_path / "another-machine")
    assert trained.missing("dense", KEPT)
    trained.run("dense", KEPT)
    assert made == ["dense"]
    for name, tensor in load_model(str(trained.model_of("dense"))).state_dict().items():
        assert torch.equal(tensor, first[name])
        if tensor.is_floating_point():
            assert tensor.dtype == torch.float32
            assert torch.equal(tensor, model.state_dict()[name].half().float())


def test_another_model_here_gives_way_to_the_one_that_is_committed(folders: None, tmp_path: Path) -> None:
    for seed, folder in enumerate((trained.MODELS / "dense", trained.model_of("dense"))):
        tiny.randomise(tiny.ctc(), seed).save_pretrained(folder)
    assert trained.missing("dense", KEPT)
    trained.run("dense", KEPT)
    assert not trained.missing("dense", KEPT)


def test_what_is_committed_is_in_half_precision(folders: None, tmp_path: Path) -> None:
    tiny.ctc().save_pretrained(tmp_path / "whole")
    trained.recast(tmp_path / "whole", tmp_path / "models" / "half", torch.float16)
    half = load_file(tmp_path / "models" / "half" / trained.WEIGHTS)
    assert {tensor.dtype for tensor in half.values() if tensor.is_floating_point()} == {torch.float16}
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["half"]
