from pathlib import Path

import pytest
import torch
from transformers import AutoProcessor, AutoTokenizer

from recognizers import BUILD
from secateur.errors import ModelError, RequestError
from secateur.jobs.export import VALUES, export
from secateur.jobs.transcribe import transcribe
from secateur.tasks.models import load_model
from sparse_weights import zeroed
from speech import save_recognizer, write_audio
from texts import save_language_model


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = save_recognizer(tmp_path_factory.mktemp("models") / "sparse", seed=1)
    zeroed(load_model(str(folder)), 0.7).save_pretrained(folder)
    return str(folder)


def same(one: str, other: Path) -> bool:
    ours, theirs = load_model(one).state_dict(), load_model(str(other)).state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_folder_is_the_model_and_its_processor(sparse: str, tmp_path: Path) -> None:
    export(sparse, tmp_path / "packed")
    assert same(sparse, tmp_path / "packed")
    files = [write_audio(tmp_path / "yes.wav", "yes", 0.6)]
    assert transcribe(str(tmp_path / "packed"), files) == transcribe(sparse, files)


@pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)
def test_every_recognizer_can_be_exported(build, tmp_path: Path) -> None:
    model = str(build(tmp_path / "model"))
    export(model, tmp_path / "packed", values="int8")
    assert AutoProcessor.from_pretrained(tmp_path / "packed").tokenizer is not None
    export(str(tmp_path / "packed"), tmp_path / "again")
    assert same(str(tmp_path / "packed"), tmp_path / "again")


def test_a_language_model_brings_its_tokenizer(tmp_path: Path) -> None:
    model = str(save_language_model(tmp_path / "lm"))
    export(model, tmp_path / "packed", values="bf16", zstd=True)
    assert len(AutoTokenizer.from_pretrained(tmp_path / "packed")) == len(AutoTokenizer.from_pretrained(model))


def test_the_numbers_are_those_of_the_file(sparse: str, tmp_path: Path) -> None:
    report = export(sparse, tmp_path / "packed", values="int8")
    file = tmp_path / "packed" / "model.safetensors"
    assert report["file"] == str(file)
    assert report["bytes"] == file.stat().st_size < report["bytes_before"]
    assert report["bytes_before"] == (Path(sparse) / "model.safetensors").stat().st_size
    assert sum(report["packed"].values()) > 0
    assert 8 * report["bytes"] > report["bits_per_weight"] * report["packed_params"]


def test_a_packed_model_is_restored_by_packing_it_without_zstd(sparse: str, tmp_path: Path) -> None:
    for name, model, zstd in (
        ("plain", sparse, False),
        ("small", sparse, True),
        ("again", str(tmp_path / "small"), False),
    ):
        export(model, tmp_path / name, zstd=zstd, values="int8")
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "again")]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("options", "error", "fragment"),
    [
        ({"to": "onnx"}, RequestError, "`--to` must be packed, but is onnx"),
        ({"values": "int4"}, RequestError, f"`--values` must be one of {', '.join(VALUES)}, but is 'int4'"),
        ({"model": "nowhere/at/all"}, ModelError, "^`MODEL` must be a folder .* does not exist"),
    ],
)
def test_bad_requests_are_sentences(sparse: str, tmp_path: Path, options: dict, error, fragment: str) -> None:
    with pytest.raises(error, match=fragment):
        export(**{"model": sparse, "out": tmp_path / "packed", **options})
    assert not (tmp_path / "packed").exists()


def test_the_model_itself_is_not_written_over(sparse: str) -> None:
    before = (Path(sparse) / "model.safetensors").read_bytes()
    with pytest.raises(RequestError, match="must not be the model itself"):
        export(sparse, sparse, overwrite=True)
    assert (Path(sparse) / "model.safetensors").read_bytes() == before


def test_what_lies_there_is_not_written_over_unasked(sparse: str, tmp_path: Path) -> None:
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="must be a new or empty folder"):
        export(sparse, tmp_path / "packed")
    export(sparse, tmp_path / "packed", overwrite=True)
    assert (tmp_path / "packed" / "notes.txt").read_text() == "mine"
    assert same(sparse, tmp_path / "packed")
