import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from secateur.checkpoint.packed.mapped import mapped
from secateur.errors import ModelError

TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b": torch.arange(5, dtype=torch.int8),
    "c": torch.arange(4).bfloat16(),
    "d": torch.arange(3),
    "e": torch.zeros(0),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_file(TENSORS, tmp_path / "t.safetensors")
    return tmp_path / "t.safetensors"


def rewritten(path: Path, name: str, **changed: object) -> None:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header[name] |= changed
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


def test_the_bits_of_every_tensor_are_those_that_the_library_reads(path: Path) -> None:
    found = mapped(path, TENSORS)
    assert {name: part.dtype.itemsize for name, part in found.items()} == {"a": 4, "b": 1, "c": 2, "d": 8, "e": 4}
    for name, tensor in load_file(path).items():
        assert found[name].tobytes() == tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def test_only_what_is_asked_for_is_mapped_and_writing_does_not_reach_the_file(path: Path) -> None:
    before = path.read_bytes()
    found = mapped(path, ["b"])
    assert list(found) == ["b"]
    found["b"][:] = 9
    assert path.read_bytes() == before


def test_what_lies_at_odd_places_is_copied_to_even_ones(path: Path) -> None:
    rewritten(path, "b", dtype="F32", shape=[1], data_offsets=[1, 5])
    found = mapped(path, ["b"])["b"]
    assert found.ctypes.data % 4 == 0
    assert found.dtype == np.uint32


@pytest.mark.parametrize("offsets", [[0, 1 << 40], [-8, 0], [8, 4], [0, 3]])
def test_what_lies_beyond_the_file_is_a_sentence(path: Path, offsets: list[int]) -> None:
    rewritten(path, "a", data_offsets=offsets)
    with pytest.raises(ModelError, match="bytes that lie in the file"):
        mapped(path, TENSORS)
