from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers.pytorch_utils import Conv1D

import tiny
from secateur.checkpoint import compressed_bytes, entry_bytes, file_bytes
from secateur.checkpoint.size import DTYPE_NAMES


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_the_size_is_that_of_the_file_that_save_pretrained_writes(make, dtype: torch.dtype, tmp_path: Path) -> None:
    model = make().to(dtype)
    model.save_pretrained(tmp_path)
    assert file_bytes(model) == (tmp_path / "model.safetensors").stat().st_size


@pytest.mark.parametrize("width", range(1, 12))
def test_the_headers_padding_is_counted(width: int, tmp_path: Path) -> None:
    model = nn.ModuleDict({"x" * width: nn.Linear(1, 1)})
    save_file(model.state_dict(), tmp_path / "w.safetensors", metadata={"format": "pt"})
    assert file_bytes(model) == (tmp_path / "w.safetensors").stat().st_size


def test_every_type_has_its_place(tmp_path: Path) -> None:
    model = nn.Module()
    for index, name in enumerate(reversed(DTYPE_NAMES)):
        kind = getattr(torch, name.removeprefix("torch."))
        model.register_buffer(
            f"a{index}", torch.zeros(10**index, dtype=kind) if index < 4 else torch.zeros(3, dtype=kind)
        )
        model.register_buffer(f"b{index}", torch.zeros(1, dtype=kind))
    save_file(model.state_dict(), tmp_path / "w.safetensors", metadata={"format": "pt"})
    assert file_bytes(model) == (tmp_path / "w.safetensors").stat().st_size


def test_every_tensor_has_its_line() -> None:
    model = nn.Linear(2, 3)
    # Sorted by name: the bias's 12 bytes come first.
    assert entry_bytes(model) == {
        "bias": len('"bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},'),
        "weight": len('"weight":{"dtype":"F32","shape":[3,2],"data_offsets":[12,36]},'),
    }


def test_zeros_are_left_out_where_that_is_smaller() -> None:
    model = nn.Sequential(nn.Linear(40, 20), nn.LayerNorm(20))
    whole = 4 * (40 * 20 + 20 + 20 + 20)
    with torch.no_grad():
        model[0].bias.fill_(1.0)
        model[1].bias.fill_(1.0)
    assert compressed_bytes(model) == whole
    with torch.no_grad():
        model[0].weight.view(-1)[: 40 * 20 - 100] = 0
    assert compressed_bytes(model) == whole - 4 * 700 + 40 * 20 // 8
    assert compressed_bytes(model, bits=8) == whole - 4 * 800 + 100 + 4 * 20 + 40 * 20 // 8
    assert compressed_bytes(model, bits=4) == whole - 4 * 800 + 50 + 4 * 20 + 40 * 20 // 8


def test_a_transposed_layer_has_a_scale_per_column() -> None:
    model = nn.Sequential(Conv1D(4, 30))
    with torch.no_grad():
        model[0].bias.fill_(1.0)
    assert compressed_bytes(model, bits=8) == 30 * 4 + 4 * 4 + 4 * 4


@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_without_zeros_it_is_what_the_tensors_take(make) -> None:
    model = make()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
    file = file_bytes(model)
    assert 0.5 * file < compressed_bytes(model) < file
