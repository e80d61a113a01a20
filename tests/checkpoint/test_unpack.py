import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCTC, GPT2Model

import tiny
from secateur.checkpoint import save_packed
from secateur.errors import ModelError
from sparse_weights import zeroed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_packed(zeroed(tiny.ctc()), None, tmp_path)
    return tmp_path


def config(folder: Path, **fields: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_the_model_below_the_head_can_be_loaded(tmp_path: Path) -> None:
    """Its names go without the prefix that the file has."""
    model = zeroed(tiny.gpt2())
    save_packed(model, None, tmp_path)
    below = GPT2Model.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(below[name], tensor) for name, tensor in model.transformer.state_dict().items())


def test_it_can_be_loaded_in_another_precision(folder: Path) -> None:
    exact = AutoModelForCTC.from_pretrained(folder).state_dict()
    rough = AutoModelForCTC.from_pretrained(folder, dtype=torch.bfloat16).state_dict()
    assert all(torch.equal(rough[name], tensor.to(rough[name].dtype)) for name, tensor in exact.items())
    assert torch.bfloat16 in {tensor.dtype for tensor in rough.values()}


def test_a_file_of_a_model_of_another_size_is_a_sentence(folder: Path) -> None:
    config(
        folder,
        encoder_config={
            **json.loads((folder / "config.json").read_text())["encoder_config"],
            "intermediate_size": 1 << 20,
        },
    )
    with pytest.raises(ModelError, match="they belong to different models"):
        AutoModelForCTC.from_pretrained(folder)


@pytest.mark.parametrize("named", [None, "of.no.model.weight"])
def test_what_the_model_has_no_room_for_is_never_restored(
    named: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes may swell to many: the header is compared with the model first."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["secateur"])
    known = next(iter(ours["weights"]))
    name, layout = named or known, ours["weights"].pop(known)
    ours["weights"][name] = {**layout, "shape": [layout["shape"][0], 1 << 20]}
    renamed = {key.replace(f"{known}.packed.", f"{name}.packed."): value for key, value in header.items()}
    renamed["__metadata__"]["secateur"] = json.dumps(ours)
    text = json.dumps(renamed).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    monkeypatch.setattr("secateur.checkpoint.packed.file._whole", lambda *_: pytest.fail("restored"))
    with pytest.raises(ModelError, match="they belong to different models"):
        AutoModelForCTC.from_pretrained(folder)


def test_a_file_cut_off_is_a_sentence(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="a whole safetensors file"):
        AutoModelForCTC.from_pretrained(folder)


def test_a_plain_file_where_a_packed_one_is_said_to_be_is_a_sentence(folder: Path) -> None:
    tiny.ctc().save_pretrained(folder / "plain")
    (folder / "plain" / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(ModelError, match="a packed file of schema 1"):
        AutoModelForCTC.from_pretrained(folder / "plain")


def test_weights_in_several_files_are_refused(folder: Path) -> None:
    tiny.ctc().save_pretrained(folder / "plain", max_shard_size="10KB")
    (folder / "plain" / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(ModelError, match="must lie in one file"):
        AutoModelForCTC.from_pretrained(folder / "plain")
