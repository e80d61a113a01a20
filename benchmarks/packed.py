"""How large is a packed file, and how fast is it opened, against dense ones?"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from benchmarks.cells import has_no_result, write_result
from secateur.checkpoint.packed import PackedWeight, pack, read_packed, write_packed
from secateur.checkpoint.quantized import quantize_rows
from secateur.evaluation import interleaved, speedup

missing = has_no_result

DENSE = ("fp32", "int8")


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Write the same weights packed and dense, and open the files in turn: all is read, and what is packed checked."""
    rows, columns = experiment["shape"]
    weight = _pruned(rows, columns, experiment["sparsity"])
    packed = pack(weight, outputs=0, dtype="I8")
    assert packed is not None
    integers, scales = quantize_rows(weight)
    layers = range(experiment["layers"])
    stacks = {
        "fp32": {f"{at}": weight.clone() for at in layers},
        "int8": {f"{at}": integers.clone() for at in layers} | {f"{at}.scales": scales.clone() for at in layers},
    }
    with TemporaryDirectory(dir=".") as folder:
        files = {kind: Path(folder) / f"{kind}.safetensors" for kind in (*DENSE, "packed")}
        for kind, tensors in stacks.items():
            save_file(tensors, files[kind])
        write_packed(files["packed"], {f"{at}": packed for at in layers}, {})
        for file in files.values():
            _settle(file)
        opened = {"warm": _opened(files, experiment, _as_it_is), "cold": _opened(files, experiment, _forget)}
        sizes = {kind: file.stat().st_size for kind, file in files.items()}
    numbers = {
        "weights": rows * columns * experiment["layers"],
        "bytes": sizes,
        "bits_per_weight": 8 * sizes["packed"] / (rows * columns * experiment["layers"]),
        "bits_per_weight_zstd": _bits_with_zstd(packed),
        "opened": opened,
    }
    write_result(name, experiment, numbers)


def _pruned(rows: int, columns: int, sparsity: float) -> torch.Tensor:
    """Draw a Gaussian weight, and zero the smallest."""
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
    return weight * (weight.abs() > weight.abs().flatten().kthvalue(round(sparsity * weight.numel())).values)


def _bits_with_zstd(packed: PackedWeight) -> float:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "zstd.safetensors"
        write_packed(path, {"0": packed}, {}, compress=True)
        return 8 * path.stat().st_size / packed.layout.numel


def _opened(files: Mapping[str, Path], experiment: Mapping[str, Any], before: Callable[[Path], None]) -> dict[str, Any]:
    """Return seconds to open each file, and how many times faster the packed one is."""

    def opening(kind: str) -> Callable[[], int]:
        def open_it() -> int:
            before(files[kind])
            return _read_packed(files[kind]) if kind == "packed" else _read_dense(files[kind])

        return open_it

    timed = interleaved({kind: opening(kind) for kind in files}, warmup=1, repeats=experiment["repeats"])
    found = {kind: {"median_s": timed[kind].median_s, "p90_s": timed[kind].p90_s} for kind in files}
    for kind in DENSE:
        ratio = speedup(timed[kind], timed["packed"])
        found["packed"][f"times_{kind}"] = {"median": ratio.median, "ci95": list(ratio.ci95)}
    return found


def _read_packed(path: Path) -> int:
    weights = read_packed(path).weights.values()
    return sum(_touched(part) for weight in weights for part in weight.parts.values())


def _read_dense(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return sum(_touched(file.get_tensor(key).flatten().view(torch.uint8).numpy()) for key in file.keys())  # noqa: SIM118


def _touched(part: Any) -> int:
    """Read every byte."""
    return int(part.view(np.uint8).reshape(-1).view(np.uint64).sum())


def _as_it_is(path: Path) -> None:
    """Leave the file in the page cache."""


def _forget(path: Path) -> None:
    """Drop the file's pages from the cache of this machine; a host below may still have them."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _settle(path: Path) -> None:
    """Bring the file to the disk: pages that are not there yet are not dropped."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
