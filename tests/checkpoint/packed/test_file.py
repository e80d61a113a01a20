import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from secateur.checkpoint.packed import PackedWeight, pack, read_packed, write_packed
from secateur.errors import ModelError
from sparse_weights import sparse

OTHERS = {
    "bias": torch.arange(5.0),
    "steps": torch.tensor(3),
    "flags": torch.tensor([True, False]),
    "none": torch.zeros(0),
}
WEIGHTS = {
    "a.weight": sparse((33, 70), 0.7),
    "b.weight": sparse((40, 64), 0.7, tile=(16, 4)),
    "c.weight": sparse((48, 64), 0.7, tile=(16, 1)),
    "d.weight": sparse((20, 30), 0.0),
}


def packed(dtype: str = "I8") -> dict[str, PackedWeight]:
    tried = {name: pack(weight, outputs=0, dtype=dtype) for name, weight in WEIGHTS.items()}
    return {name: weight for name, weight in tried.items() if weight is not None}


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16", "I8"])
def test_what_is_written_is_read(tmp_path: Path, dtype: str, compress: bool) -> None:
    weights = packed(dtype)
    write_packed(tmp_path / "w.safetensors", weights, OTHERS, compress=compress)
    found = read_packed(tmp_path / "w.safetensors")
    assert found.stored == ("zstd" if compress else "plain")
    assert {name: weight.layout for name, weight in found.weights.items()} == {n: w.layout for n, w in weights.items()}
    assert all(torch.equal(found.weights[name].values(), weight.values()) for name, weight in weights.items())


def test_it_is_a_safetensors_file_with_the_other_tensors_as_they_were(tmp_path: Path) -> None:
    write_packed(tmp_path / "w.safetensors", packed(), OTHERS)
    read = load_file(tmp_path / "w.safetensors")
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in OTHERS.items())


def header(path: Path) -> tuple[dict, int]:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), 8 + length


def test_parts_lie_at_multiples_of_64_bytes_and_other_tensors_at_multiples_of_their_own(tmp_path: Path) -> None:
    write_packed(tmp_path / "w.safetensors", packed(), OTHERS)
    entries, start = header(tmp_path / "w.safetensors")
    assert start % 64 == 0
    widths = {"F32": 4, "I64": 8, "BOOL": 1}
    for name, entry in entries.items():
        if name != "__metadata__":
            width = 64 if ".packed." in name else widths[entry["dtype"]]
            assert (start + entry["data_offsets"][0]) % width == 0


def test_plain_parts_are_mapped(tmp_path: Path) -> None:
    """Nothing is read into memory of its own: the addresses of two parts differ as their places in the file do."""
    write_packed(tmp_path / "w.safetensors", packed(), OTHERS)
    entries, _ = header(tmp_path / "w.safetensors")
    found = read_packed(tmp_path / "w.safetensors").weights
    places = {name: entries[f"{name}.packed.values"]["data_offsets"][0] for name in found}
    addresses = {name: weight.parts["values"].ctypes.data for name, weight in found.items()}
    assert len({addresses[name] - places[name] for name in found}) == 1


def test_what_the_parts_take_is_returned(tmp_path: Path) -> None:
    weights = packed()
    taken = write_packed(tmp_path / "w.safetensors", weights, OTHERS)
    assert taken == sum(part.nbytes for weight in weights.values() for part in weight.parts.values())


def test_a_failed_write_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    write_packed(tmp_path / "w.safetensors", packed(), OTHERS)
    before = (tmp_path / "w.safetensors").read_bytes()
    with pytest.raises(KeyError):
        write_packed(tmp_path / "w.safetensors", packed(), {"odd": torch.zeros(2, dtype=torch.complex64)})
    assert (tmp_path / "w.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def rewritten(path: Path, **fields: object) -> None:
    """Change our entry in the header."""
    write_packed(path, packed(), OTHERS)
    entries, start = header(path)
    ours = json.loads(entries["__metadata__"]["secateur"])
    entries["__metadata__"]["secateur"] = json.dumps({**ours, **fields})
    text = json.dumps(entries).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + path.read_bytes()[start:])


LAYOUT = {"encoding": "rows", "shape": [4, 4], "outputs": 0, "dtype": "I8", "width": 1}


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"schema": 2}, "a packed file of schema 1"),
        ({"stored": "lzma"}, "a packed file of schema 1"),
        ({"weights": []}, "must list its weights"),
        ({"weights": {}}, "belongs to no weight"),
        ({"weights": {"a.weight": LAYOUT, "z.weight": LAYOUT}}, "is missing|belongs to no weight"),
        ({"weights": {"a.weight": 3}}, "the fields encoding"),
        ({"stored": "zstd"}, "zstd"),
    ],
)
def test_a_garbled_header_is_a_sentence(tmp_path: Path, fields: dict, fragment: str) -> None:
    rewritten(tmp_path / "w.safetensors", **fields)
    with pytest.raises(ModelError, match=fragment):
        read_packed(tmp_path / "w.safetensors")


def test_a_file_of_another_kind_is_a_sentence(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "plain.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights")
    for name, fragment in (("plain", "says nothing of it"), ("text", "a whole safetensors"), ("absent", "absent")):
        with pytest.raises(ModelError, match=fragment):
            read_packed(tmp_path / f"{name}.safetensors")


def test_a_file_that_was_cut_off_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_packed(path, packed(), OTHERS)
    data = path.read_bytes()
    for length in (0, 5, 8, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(ModelError, match="a whole safetensors file"):
            read_packed(path)


def test_a_part_of_another_type_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_packed(path, packed(), OTHERS)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'a.weight.packed.scales":{"dtype":"F32"', b'a.weight.packed.scales":{"dtype":"I32"'))
    read_packed(path)  # the same bits
    path.write_bytes(data.replace(b'"dtype":"I64","shape":[8]', b'"dtype":"I8","shape":[64]', 1))
    with pytest.raises(ModelError, match="int64 in a row for `starts`"):
        read_packed(path)
