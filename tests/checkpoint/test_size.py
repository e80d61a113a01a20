from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import tiny
from secateur.checkpoint import entry_bytes, file_bytes
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
