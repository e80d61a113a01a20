"""The numbers of a model, by the names that `report.json` has for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import torch

from secateur.checkpoint import compressed_bytes, file_bytes
from secateur.evaluation import (
    InputUnit,
    Timings,
    dummy_inputs,
    embedding_parameters,
    input_unit,
    interleaved,
    longest_input,
    macs_per_unit,
    nonzero_parameters,
    parameters,
    peak_rss_bytes,
    speedup,
    weight_bytes,
)
from secateur.recipes import Bench
from secateur.tasks import Judged

RUNTIME = "torch"

MACS: Mapping[InputUnit, str] = {"audio_second": "macs_per_audio_second", "token": "macs_per_token"}
"""What the report calls multiply-accumulates per unit of input."""

LENGTH: Mapping[InputUnit, str] = {"audio_second": "audio_seconds", "token": "tokens"}
"""What it calls the length of an input."""


def model_size(model: Any, file: int) -> dict[str, int]:
    """Return parameters, the given bytes of the weight file, and multiply-accumulates."""
    unit = input_unit(model)
    embeddings = {"embedding_params": embedding_parameters(model)} if unit == "token" else {}
    macs = round(macs_per_unit(model))
    return {"params": parameters(model), **embeddings, "bytes": file, MACS[unit]: macs}


def size(model: Any, folder: Path, *, bits: int | None = None) -> dict[str, Any]:
    """Return parameters, bytes on disk, bytes without zeros (of integers of so many `bits`), multiply-accumulates.

    A folder without safetensors (an old ``pytorch_model.bin``) counts as what saving the model anew would write.
    """
    file = weight_bytes(folder) if any(folder.glob("*.safetensors")) else file_bytes(model)
    return {
        **model_size(model, file),
        "nonzero_params": nonzero_parameters(model),
        "compressed_bytes": compressed_bytes(model, bits=bits),
    }


@final
@dataclass(frozen=True)
class Timed:
    """Latencies of one or two models, per length of the input."""

    timings: dict[float, dict[str, Timings]]
    threads: int
    unit: InputUnit

    def measures(self, name: str) -> dict[str, Any]:
        """Return ``latency`` (shortest input), ``latencies`` (all lengths), and the speed at the longest.

        That is ``rtf`` for audio, and ``tokens_per_second`` for text. Nothing, where nothing was timed.
        """
        rows: list[dict[str, Any]] = [
            {
                "runtime": RUNTIME,
                "threads": self.threads,
                LENGTH[self.unit]: length,
                "median_s": timings[name].median_s,
                "p90_s": timings[name].p90_s,
            }
            for length, timings in self.timings.items()
        ]
        if not rows:
            return {}
        longest, seconds = rows[-1][LENGTH[self.unit]], rows[-1]["median_s"]
        speed = {"tokens_per_second": longest / seconds} if self.unit == "token" else {"rtf": seconds / longest}
        return {"latency": rows[0], "latencies": rows, **speed}

    def speedups(self) -> list[dict[str, Any]]:
        """Return pruned against dense, per length."""
        found = {length: speedup(t["dense"], t["pruned"]) for length, t in self.timings.items()}
        return [{LENGTH[self.unit]: n, "median": f.median, "ci95": list(f.ci95)} for n, f in found.items()]

    def comparison(self) -> dict[str, Any]:
        """Return ``speedup`` at the shortest input and ``speedups``; nothing, where nothing was timed."""
        rows = self.speedups()
        return {"speedup": {key: rows[0][key] for key in ("median", "ci95")}, "speedups": rows} if rows else {}


def time_models(models: Mapping[str, Any], bench: Bench | None) -> Timed:
    """Time one forward of each model in turn, in this process, at batch 1; no length is above what all of them read."""
    unit = input_unit(next(iter(models.values())))
    if bench is None:
        return Timed({}, torch.get_num_threads(), unit)
    most = min(longest_input(model) for model in models.values())
    timings: dict[float, dict[str, Timings]] = {}
    for length in sorted({min(length, most) for length in bench.lengths(unit)}):
        forwards = {name: _forward(model, length) for name, model in models.items()}
        timings[length] = interleaved(forwards, threads=bench.threads, repeats=bench.repeats)
    return Timed(timings, bench.threads, unit)


def _forward(model: Any, length: float) -> Any:
    model.eval()
    inputs = dummy_inputs(model, length=length)
    return lambda: model(**inputs)


def peak_memory(folder: Path, timed: Timed) -> dict[str, Any]:
    """Return the peak memory of a fresh process that runs the model in `folder` over the longest input, if timed."""
    if not timed.timings:
        return {}
    weights = next(iter(sorted(folder.glob("*.safetensors"))), folder)
    written = weights.stat().st_mtime_ns
    return {"peak_rss_bytes": _peak(folder.absolute(), written, length=max(timed.timings), threads=timed.threads)}


@lru_cache(maxsize=2)
def _peak(folder: Path, written: int, *, length: float, threads: int) -> int:
    """Measure once: a sweep prunes the same dense model again and again."""
    return peak_rss_bytes(folder, length=length, threads=threads)


def compare(dense: Mapping[str, Any], pruned: Mapping[str, Any], judged: Mapping[str, Judged]) -> dict[str, Any]:
    """Return what pruning changed: ratios of sizes, and the difference of what the models were judged by."""
    names = {"params": "params", "bytes": "bytes"} | dict.fromkeys(MACS.values(), "macs")
    ratios = {key: pruned[name] / dense[name] for name, key in names.items() if name in dense}
    return {**ratios, **judged["pruned"].compared(judged["dense"])}
