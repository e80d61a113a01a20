"""How much faster does a recognizer become end to end, against the dense forms of it that people have?"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from benchmarks.big import random_parakeet
from benchmarks.cells import RUNS, has_no_result, write, write_result
from secateur.evaluation import bytes_per_second, dummy_inputs, interleaved, parameters, speedup, threads_limited_to
from secateur.evaluation.dense import is_pointwise
from secateur.jobs.contenders import Contender, contenders

missing = has_no_result


def run(name: str, experiment: Mapping[str, Any]) -> None:
    """Time every form of a model in turn; what an interrupted run has timed already is taken up."""
    model = random_parakeet(experiment["shape"])
    zeros = prune_blocks(model, tuple(experiment["tile"]), experiment["sparsity"])
    with TemporaryDirectory() as folder:
        forms = contenders(model, ("onnx", "sparse"), Path(folder))
        rows = [row for threads in experiment["threads"] for row in _rows(name, forms, model, threads, experiment)]
        split = {one.name: _split(model, one, experiment) for one in forms if one.model is not None}
    numbers = {"params": parameters(model), "zeros_of_linear_weights": zeros, "rows": rows, "seconds_by_module": split}
    write_result(name, experiment, numbers)
    shutil.rmtree(RUNS / name)


@torch.no_grad()
def prune_blocks(model: nn.Module, tile: tuple[int, int], sparsity: float) -> float:
    """Zero a share of the tiles of every linear layer and pointwise convolution; return the share of zeros."""
    generator = torch.Generator().manual_seed(0)
    gone, count = 0, 0
    for layer in model.modules():
        if type(layer) is nn.Linear or is_pointwise(layer):
            weight: Any = layer.weight
            rows, columns = weight.flatten(1).shape
            down, across = -(-rows // tile[0]), -(-columns // tile[1])
            kept = torch.ones(down * across)
            kept[torch.randperm(down * across, generator=generator)[: round(sparsity * down * across)]] = 0
            wide = kept.reshape(down, across).repeat_interleave(tile[0], 0)[:rows]
            weight *= wide.repeat_interleave(tile[1], 1)[:, :columns].reshape(weight.shape)
            gone, count = gone + int((weight == 0).sum()), count + weight.numel()
    return gone / count


def _rows(
    name: str, forms: list[Contender], model: Any, threads: int, experiment: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    ceiling: float | None = None
    for length in experiment["seconds"]:
        part = RUNS / name / f"{threads}-{length:g}.json"
        if not part.is_file():
            ceiling = ceiling or bytes_per_second(threads=threads)
            write(part, {"rows": _timed(forms, model, threads, length, ceiling, experiment["repeats"])})
        yield from json.loads(part.read_text())["rows"]


def _timed(
    forms: list[Contender], model: Any, threads: int, length: float, ceiling: float, repeats: int
) -> list[dict[str, Any]]:
    inputs = dummy_inputs(model, length=length)
    timed = interleaved({one.name: one.prepare(inputs, threads) for one in forms}, threads=threads, repeats=repeats)
    rows: list[dict[str, Any]] = []
    for one in forms:
        own = timed[one.name]
        against = {other: speedup(timings, own) for other, timings in timed.items()}
        rows.append(
            {
                "form": one.name,
                "threads": threads,
                "audio_seconds": length,
                "median_s": own.median_s,
                "p90_s": own.p90_s,
                "rtf": own.median_s / length,
                "bytes": one.at(threads).nbytes,
                "read_bytes_per_second": ceiling,
                "times": {
                    other: {"median": ratio.median, "ci95": list(ratio.ci95)} for other, ratio in against.items()
                },
            }
        )
    return rows


def _split(model: Any, form: Contender, experiment: Mapping[str, Any]) -> dict[str, float]:
    """Return where the seconds of the longest input go, on one thread."""
    forward = form.prepare(dummy_inputs(model, length=max(experiment["seconds"])), 1)
    with threads_limited_to(1), torch.inference_mode():
        return seconds_by_class(form.model, forward, repeats=experiment["repeats"])


def seconds_by_class(model: Any, forward: Callable[[], object], *, repeats: int) -> dict[str, float]:
    """Return what a forward spends in modules of each class, apart from the modules inside of them; most first."""
    spent: Counter[str] = Counter()
    began: list[tuple[float, float]] = []
    inside = 0.0

    def enter(*_: Any) -> None:
        nonlocal inside
        began.append((time.perf_counter(), inside))
        inside = 0.0

    def leave(module: nn.Module, *_: Any) -> None:
        nonlocal inside
        start, before = began.pop()
        took = time.perf_counter() - start
        spent[type(module).__name__] += took - inside
        inside = before + took

    hooks = [hook for one in model.modules()
             for hook in (one.register_forward_pre_hook(enter), one.register_forward_hook(leave))]  # fmt: skip
    forward()
    spent.clear()
    for _ in range(repeats):
        forward()
    for hook in hooks:
        hook.remove()
    return {name: seconds / repeats for name, seconds in spent.most_common()}
