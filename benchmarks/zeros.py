"""What do zeros alone change, in the runtimes that people have?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.cells import has_no_result, write_result
from secateur.evaluation import OnnxSession, Timings, interleaved, speedup
from secateur.onnx_graph import linear_layers_to_onnx, to_integers

missing = has_no_result

DENSE = "torch fp32"


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Run stacks of the same layers with and without zeros, in turn, at every number of tokens."""
    rows, columns = experiment["shape"]
    dense = [nn.Linear(columns, rows) for _ in range(experiment["layers"])]
    stacks: dict[str, Callable[[Tensor], object]] = {DENSE: _each(dense)}
    nbytes: dict[str, int] = {DENSE: 4 * rows * columns * len(dense)}
    with TemporaryDirectory() as folder, torch.inference_mode():
        for label, layers in {"": dense, ", 80 % zeros": _zeroed(dense, 0.8)}.items():
            if label:
                stacks[DENSE + label], nbytes[DENSE + label] = _each(layers), nbytes[DENSE]
            graph = to_integers(linear_layers_to_onnx(layers, Path(folder) / f"layers{len(stacks)}.onnx"))
            stacks[f"onnx int8{label}"] = _in_onnx(graph, len(layers))
            nbytes[f"onnx int8{label}"] = sum(path.stat().st_size for path in graph.parent.glob(f"{graph.name}*"))
        for sparsity in experiment["csr"]:
            label = f"torch CSR fp32, {sparsity:.0%} zeros"
            stacks[label], nbytes[label] = _csr(_zeroed(dense, sparsity))
        found = {tokens: _timed(stacks, torch.randn(tokens, columns), experiment) for tokens in experiment["tokens"]}
    table = [
        _row(label, tokens, timings, nbytes[label], len(dense)) for tokens, timings in found.items() for label in stacks
    ]
    write_result(name, experiment, {"rows": table})


def _zeroed(layers: list[nn.Linear], sparsity: float) -> list[nn.Linear]:
    """Copy layers, a share of their weights zero."""
    generator = torch.Generator().manual_seed(0)
    found: list[nn.Linear] = []
    for layer in layers:
        one = nn.Linear(layer.in_features, layer.out_features)
        one.load_state_dict(layer.state_dict())
        one.weight.requires_grad_(False).mul_(torch.rand(one.weight.shape, generator=generator) >= sparsity)
        found.append(one)
    return found


def _each(layers: list[nn.Linear]) -> Callable[[Tensor], object]:
    return lambda tokens: [layer(tokens) for layer in layers]


def _in_onnx(graph: Path, layers: int) -> Callable[[Tensor], object]:
    session = OnnxSession(graph, threads=1)
    return lambda tokens: session({f"x{at}": tokens.numpy() for at in range(layers)})


def _csr(layers: list[nn.Linear]) -> tuple[Callable[[Tensor], object], int]:
    """Return products with PyTorch's compressed rows, and what these take."""
    weights = [(layer.weight.to_sparse_csr(), layer.bias[:, None]) for layer in layers]
    parts = [part for weight, _ in weights for part in (weight.values(), weight.col_indices(), weight.crow_indices())]
    return lambda tokens: [weight @ tokens.T + bias for weight, bias in weights], sum(part.nbytes for part in parts)


def _timed(
    stacks: Mapping[str, Callable[[Tensor], object]], tokens: Tensor, experiment: Mapping[str, Any]
) -> dict[str, Timings]:
    def through(stack: Callable[[Tensor], object]) -> Callable[[], object]:
        return lambda: stack(tokens)

    forwards = {label: through(stack) for label, stack in stacks.items()}
    return interleaved(forwards, threads=1, warmup=1, repeats=experiment["repeats"])


def _row(label: str, tokens: int, timings: Mapping[str, Timings], nbytes: int, layers: int) -> dict[str, Any]:
    ratio = speedup(timings[DENSE], timings[label])
    return {
        "kernel": label,
        "tokens": tokens,
        "bytes": nbytes,
        "median_s": timings[label].median_s / layers,
        "p90_s": timings[label].p90_s / layers,
        "times_dense": {"median": ratio.median, "ci95": list(ratio.ci95)},
    }
