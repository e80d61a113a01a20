"""A model on several runtimes: whole and layer by layer, interleaved, beside the speed of memory."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch
from torch import Tensor, nn

from secateur.evaluation import (
    InputUnit,
    Timings,
    as_linear,
    bytes_per_second,
    dummy_inputs,
    input_unit,
    interleaved,
    longest_input,
    speedup,
)
from secateur.jobs.contenders import Contender, contenders, stacked
from secateur.jobs.measure import LENGTH
from secateur.recipes import Bench

TOKENS: Final = (1, 4, 16, 64, 250)
"""At once through a layer: a streaming frame or a token, a few, an utterance of 20 s at 80 ms per frame."""

STACK: Final = 32
"""Layers of one shape that are timed, at most: enough to leave the nearer caches."""

LAYER_REPEATS: Final = 5
"""Rounds over a stack; each is a mean over its layers already."""


def run_on(
    model: Any, runtimes: Sequence[str], *, settings: Bench, threads: Sequence[int], tokens: Sequence[int] | None = None
) -> dict[str, Any]:
    """Time a model in every form, per number of threads.

    Raises:
        MissingExtraError: A runtime is missing.
        ModelError: The model cannot be exported or accelerated.
    """
    ceilings = {count: bytes_per_second(threads=count) for count in threads}
    with TemporaryDirectory() as folder:
        layers = list(_layers(model, runtimes, ceilings, TOKENS if tokens is None else tokens, Path(folder)))
        whole = list(_whole(model, runtimes, ceilings, settings, Path(folder)))
    return {
        "read_bytes_per_second": {str(count): ceiling for count, ceiling in ceilings.items()},
        "layers": layers,
        "whole": whole,
    }


def _whole(
    model: Any, runtimes: Sequence[str], ceilings: Mapping[int, float], settings: Bench, folder: Path
) -> Iterator[dict[str, Any]]:
    unit, most = input_unit(model), longest_input(model)
    forms = contenders(model, runtimes, folder)
    for threads, ceiling in ceilings.items():
        for length in sorted({min(length, most) for length in settings.lengths(unit)}):
            timed = _timed(forms, dummy_inputs(model, length=length), threads, settings.repeats)
            for form in forms:
                row = _row(form, threads, timed, ceiling)
                yield {LENGTH[unit]: length, **row, **_speed(unit, length, row["median_s"])}


def _speed(unit: InputUnit, length: float, seconds: float) -> dict[str, float]:
    return {"tokens_per_second": length / seconds} if unit == "token" else {"rtf": seconds / length}


def _layers(
    model: Any, runtimes: Sequence[str], ceilings: Mapping[int, float], tokens: Sequence[int], folder: Path
) -> Iterator[dict[str, Any]]:
    for (outputs, inputs), layers in linear_layers(model).items():
        chosen = layers[:STACK]
        forms = stacked(chosen, runtimes, folder)
        for threads, ceiling in ceilings.items():
            for count in tokens:
                drawn: Tensor = torch.randn(count, inputs, generator=torch.Generator().manual_seed(0))
                timed = _timed(forms, {"tokens": drawn}, threads, LAYER_REPEATS)
                for form in forms:
                    row = _row(form, threads, timed, ceiling)
                    each = {key: row[key] / len(chosen) for key in ("median_s", "p90_s", "bytes")}
                    yield {"outputs": outputs, "inputs": inputs, "layers": len(layers), "tokens": count, **row, **each}


def linear_layers(model: Any) -> dict[tuple[int, int], list[nn.Linear]]:
    """Return a model's linear layers by shape (outputs, inputs), also those under another name; most weights first."""
    found: defaultdict[tuple[int, int], list[nn.Linear]] = defaultdict(list)
    for layer in as_linear(model).modules():
        if type(layer) is nn.Linear:
            found[layer.out_features, layer.in_features].append(layer)
    return dict(sorted(found.items(), key=lambda item: -item[0][0] * item[0][1] * len(item[1])))


def _timed(forms: Sequence[Contender], inputs: Mapping[str, Tensor], threads: int, repeats: int) -> dict[str, Timings]:
    forwards = {form.name: form.prepare(inputs, threads) for form in forms}
    return interleaved(forwards, threads=threads, warmup=2, repeats=repeats)


def _row(form: Contender, threads: int, timed: Mapping[str, Timings], ceiling: float) -> dict[str, Any]:
    """Return a form's numbers; `times`: how many times as fast as each of the others."""
    own, form = timed[form.name], form.at(threads)
    against = {name: speedup(other, own) for name, other in timed.items() if name != form.name}
    return {
        "runtime": form.runtime,
        "weights": form.weights,
        **({} if form.sparse_layers is None else {"sparse_layers": form.sparse_layers}),
        "threads": threads,
        "median_s": own.median_s,
        "p90_s": own.p90_s,
        "bytes": form.nbytes,
        "of_ceiling": form.nbytes / own.median_s / ceiling,
        "times": {name: {"median": one.median, "ci95": list(one.ci95)} for name, one in against.items()},
    }
