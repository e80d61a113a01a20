"""The numbers of a model, by the names that `report.json` has for them."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from secateur.checkpoint import file_bytes
from secateur.decoding import transcribe
from secateur.evaluation import (
    NORMALIZER_NAME,
    Timings,
    WordErrors,
    dummy_inputs,
    interleaved,
    interval,
    macs_per_audio_second,
    nonzero_parameters,
    normalize,
    paired,
    parameters,
    peak_rss_bytes,
    speedup,
    weight_bytes,
    word_errors,
)
from secateur.jobs.budget import REFERENCE_SECONDS
from secateur.jobs.speech import Evaluated
from secateur.recipes import Bench

logger = logging.getLogger(__name__)

RUNTIME = "torch"


@final
@dataclass(frozen=True)
class Heard:
    """What a model made of the sets it was measured on."""

    hypotheses: dict[str, list[str]]
    """Set -> one text per utterance."""

    errors: dict[str, WordErrors]


def listen(model: Any, processor: Any, sets: Sequence[Evaluated]) -> Heard:
    """Transcribe every set greedily and count the errors."""
    hypotheses = {s.name: transcribe(model, processor, s.features) for s in sets}
    return Heard(hypotheses, {s.name: word_errors([u.text for u in s.utterances], hypotheses[s.name]) for s in sets})


def accuracy(heard: Heard) -> dict[str, Any]:
    """Return WER with interval, CER and counts over all sets together, and per set where there are several."""
    if not heard.errors:
        return {}
    rates = _rates(_pooled(heard))
    if len(heard.errors) == 1:
        return rates
    return {**rates, "sets": {name: _rates(errors) for name, errors in heard.errors.items()}}


def _pooled(heard: Heard) -> WordErrors:
    fields = ("word_edits", "word_counts", "char_edits", "char_counts")
    return WordErrors(**{f: np.concatenate([getattr(e, f) for e in heard.errors.values()]) for f in fields})


def _rates(errors: WordErrors) -> dict[str, Any]:
    return {
        "wer": errors.wer,
        "wer_ci95": list(interval(errors.word_edits, errors.word_counts)),
        "cer": errors.cer,
        "utterances": errors.utterances,
        "words": errors.words,
    }


def size(model: Any, folder: Path) -> dict[str, Any]:
    """Return parameters, bytes on disk and multiply-accumulates.

    A folder without safetensors (an old ``pytorch_model.bin``) counts as what saving the model anew would write.
    """
    return {
        "params": parameters(model),
        "nonzero_params": nonzero_parameters(model),
        "bytes": weight_bytes(folder) if any(folder.glob("*.safetensors")) else file_bytes(model),
        "macs_per_audio_second": round(macs_per_audio_second(model, seconds=REFERENCE_SECONDS)),
    }


def normalizer(*heard: Heard) -> dict[str, str]:
    """Name what was done to texts before words were counted, where any were."""
    return {"normalizer": NORMALIZER_NAME} if any(h.errors for h in heard) else {}


def peak_memory(folder: Path, bench: Bench) -> dict[str, Any]:
    """Return the peak memory of a fresh process over the longest utterance."""
    return {"peak_rss_bytes": peak_rss_bytes(folder, seconds=max(bench.seconds), threads=bench.threads)}


@final
@dataclass(frozen=True)
class Timed:
    """Latencies of one or two models, per audio length."""

    timings: dict[float, dict[str, Timings]]
    threads: int

    def measures(self, name: str) -> dict[str, Any]:
        """Return ``latency`` (shortest utterance), ``latencies`` (all lengths) and ``rtf`` (longest) of one model."""
        rows: list[dict[str, Any]] = [
            {
                "runtime": RUNTIME,
                "threads": self.threads,
                "audio_seconds": seconds,
                "median_s": timings[name].median_s,
                "p90_s": timings[name].p90_s,
            }
            for seconds, timings in self.timings.items()
        ]
        return {"latency": rows[0], "latencies": rows, "rtf": rows[-1]["median_s"] / rows[-1]["audio_seconds"]}

    def speedups(self) -> list[dict[str, Any]]:
        """Return pruned against dense, per audio length."""
        found = {seconds: speedup(t["dense"], t["pruned"]) for seconds, t in self.timings.items()}
        return [{"audio_seconds": s, "median": f.median, "ci95": list(f.ci95)} for s, f in found.items()]


def time_models(models: Mapping[str, Any], bench: Bench) -> Timed:
    """Time one forward of each model in turn, in this process, at batch 1."""
    timings: dict[float, dict[str, Timings]] = {}
    for seconds in sorted(bench.seconds):
        forwards = {name: _forward(model, seconds) for name, model in models.items()}
        timings[seconds] = interleaved(forwards, threads=bench.threads, repeats=bench.repeats)
    return Timed(timings, bench.threads)


def _forward(model: Any, seconds: float) -> Any:
    model.eval()
    inputs = dummy_inputs(model, seconds=seconds)
    return lambda: model(**inputs)


def compare(dense: Mapping[str, Any], pruned: Mapping[str, Any], heard: Mapping[str, Heard]) -> dict[str, Any]:
    """Return what pruning changed: ratios of sizes, and the difference of word error rates with its interval."""
    ratios = {
        key: pruned[name] / dense[name]
        for key, name in {"params": "params", "bytes": "bytes", "macs": "macs_per_audio_second"}.items()
    }
    return {**ratios, **(difference(heard["dense"], heard["pruned"]) if heard["dense"].errors else {})}


def difference(base: Heard, other: Heard) -> dict[str, Any]:
    """Return how much higher the other's WER is over all sets, its interval, and the p-value of a paired bootstrap."""
    a, b = _pooled(base), _pooled(other)
    found = paired(a.word_edits, b.word_edits, a.word_counts)
    return {
        "wer_difference": found.difference,
        "wer_difference_ci95": list(found.ci95),
        "p_value": found.p_value,
    }


def write_transcripts(path: Path, sets: Sequence[Evaluated], heard: Mapping[str, Heard]) -> None:
    """Write what each model made of each utterance, one JSON object per line; texts as the WER compares them."""
    with path.open("w") as file:
        for s in sets:
            for i, utterance in enumerate(s.utterances):
                texts = {name: normalize(h.hypotheses[s.name][i]) for name, h in heard.items()}
                line = {
                    "set": s.name,
                    "id": utterance.key,
                    "audio_filepath": str(utterance.audio),
                    "reference": normalize(utterance.text),
                    **texts,
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
