"""How fast are products with packed weights, against the dense ones of torch, and against reading memory?"""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.cells import has_no_result, write_result
from secateur.checkpoint.packed import PackedWeight, pack
from secateur.evaluation import Timings, bytes_per_second, interleaved, speedup
from secateur.runtime import SparseLinear
from secateur.runtime.cpu import CHOICE
from secateur.runtime.vectors import LEVEL

missing = has_no_result

DENSE = {"torch fp32": "fp32", "torch bf16": "bf16", "torch int8": "int8"}
"""Peer -> what its weights are; activations of int8 are rounded as they come."""


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Run stacks of layers too large for any cache, in turn, at every number of tokens.

    Kernels are compiled for one level per process: for another one than this processor's best, a process is begun.
    """
    if (level := experiment.get("level", LEVEL)) != LEVEL:
        environment = {**os.environ, CHOICE: level}
        subprocess.run([sys.executable, "-m", "benchmarks", name], env=environment, check=True)
        return
    rows, columns = experiment["shape"]
    stacks: dict[str, list[Callable[[Tensor], Any]]] = {}
    nbytes: dict[str, int] = {}
    for peer in experiment.get("peers", DENSE):
        kind = DENSE[peer]
        stacks[peer] = _dense(rows, columns, experiment["layers"], kind)
        nbytes[peer] = rows * columns * {"fp32": 4, "bf16": 2, "int8": 1}[kind]
    for row in experiment["rows"]:
        packed = pack(_weight(rows, columns, row), outputs=0, dtype=row["dtype"])
        assert packed is not None
        label = _label(row, packed)
        stacks[label] = [SparseLinear(_copy(packed)) for _ in range(experiment["layers"])]
        nbytes[label] = sum(part.nbytes for part in packed.parts.values())
    found = {tokens: _timed(stacks, torch.randn(tokens, columns), experiment) for tokens in experiment["tokens"]}
    ceiling = bytes_per_second(threads=experiment["threads"])
    table = [
        _row(label, tokens, timings, nbytes[label], ceiling, experiment["layers"])
        for tokens, timings in found.items()
        for label in stacks
    ]
    write_result(name, experiment, {"level": LEVEL, "bytes_per_second": ceiling, "rows": table})


def _weight(rows: int, columns: int, row: Mapping[str, Any]) -> Tensor:
    """Draw a weight of which a share of the tiles is zero."""
    generator = torch.Generator().manual_seed(0)
    high, wide = row["tile"]
    kept = torch.rand(rows // high, columns // wide, generator=generator) >= row["sparsity"]
    weight = torch.randn(rows, columns, generator=generator)
    return weight * kept.repeat_interleave(high, 0).repeat_interleave(wide, 1)


def _label(row: Mapping[str, Any], packed: PackedWeight) -> str:
    high, wide = row["tile"]
    kind = "mask" if packed.layout.encoding == "bitmask" else f"{high} x {wide}"
    return f"{kind} {row['dtype']}, {row['sparsity']:.0%} zeros"


def _copy(packed: PackedWeight) -> PackedWeight:
    """Copy a weight to memory of its own: what a layer reads, no other has read."""
    return PackedWeight(packed.layout, {name: part.copy() for name, part in packed.parts.items()})


def _dense(rows: int, columns: int, layers: int, kind: str) -> list[Callable[[Tensor], Any]]:
    made = [nn.Linear(columns, rows) for _ in range(layers)]
    if kind == "fp32":
        return list(made)
    if kind == "bf16":
        return [_in_bfloat16(layer.bfloat16()) for layer in made]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it moves to another package; what runs is the same
        return [
            torch.ao.quantization.quantize_dynamic(nn.Sequential(layer), {nn.Linear}, dtype=torch.qint8)
            for layer in made
        ]


def _in_bfloat16(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    return lambda tokens: layer(tokens.bfloat16())


def _timed(
    stacks: Mapping[str, list[Callable[[Tensor], Any]]], tokens: Tensor, experiment: Mapping[str, Any]
) -> dict[str, Timings]:
    def through(stack: list[Callable[[Tensor], Any]]) -> Callable[[], None]:
        def forward() -> None:
            for layer in stack:
                layer(tokens)

        return forward

    forwards = {label: through(stack) for label, stack in stacks.items()}
    return interleaved(forwards, threads=experiment["threads"], warmup=1, repeats=experiment["repeats"])


def _row(
    label: str, tokens: int, timings: Mapping[str, Timings], nbytes: int, ceiling: float, layers: int
) -> dict[str, Any]:
    own = timings[label]
    against = {peer: speedup(timings[peer], own) for peer in DENSE if peer in timings}
    return {
        "kernel": label,
        "tokens": tokens,
        "bytes": nbytes,
        "median_s": own.median_s / layers,
        "p90_s": own.p90_s / layers,
        "of_ceiling": nbytes * layers / own.median_s / ceiling,
        "times": {peer: {"median": one.median, "ci95": list(one.ci95)} for peer, one in against.items()},
    }
