"""Run folders as `secateur prune` leaves them, made up but with the arithmetic of a real run."""

import json
import math
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

WORDS = ("set", "the", "light", "to", "forty", "and", "play", "some", "quiet", "music", "in", "room", "please")
SIZES = {"feed_forward1": ("ffn_unit", 576), "self_attn": ("head", 4), "conv": ("conv_channel", 144)}
COLUMNS = {**SIZES, "feed_forward2": ("ffn_unit", 576)}

MakeRun = Callable[..., Path]


def measures(*, scale: float, wer: float) -> dict[str, Any]:
    latencies = [
        {
            "runtime": "torch",
            "threads": 2,
            "audio_seconds": length,
            "median_s": 0.0043 * length * scale,
            "p90_s": 0.0051 * length * scale,
        }
        for length in (2.5, 10.0, 30.0)
    ]
    return {
        "params": round(4_213_004 * scale),
        "nonzero_params": round(4_213_004 * scale),
        "bytes": round(16_871_200 * scale),
        "macs_per_audio_second": round(61_400_000 * scale),
        "wer": wer,
        "wer_ci95": [wer - 0.011, wer + 0.012],
        "cer": wer / 3,
        "utterances": 130,
        "words": 773,
        "latency": latencies[1],
        "latencies": latencies,
        "rtf": 0.0043 * scale,
        "peak_rss_bytes": round(4.1e8 + 1e8 * scale),
        "sets": {
            "an4.test": {"wer": wer + 0.01, "wer_ci95": [wer - 0.01, wer + 0.03], "utterances": 80, "words": 500},
            "digits": {"wer": wer - 0.01, "cer": wer / 4, "utterances": 50, "words": 273},
        },
    }


def report() -> dict[str, Any]:
    return {
        "schema": 1,
        "secateur": "0.1.0",
        "command": "secateur prune parakeet.yaml target.params=0.5 --out runs/half",
        "seed": 0,
        "device": {"cpu": "AMD EPYC 7763", "cores": 2, "memory_bytes": 25_769_803_776},
        "versions": {"torch": "2.13.0+cpu", "transformers": "5.23.0"},
        "recipe": {
            "model": "../shared/data/models/parakeet-ctc-tiny",
            "method": "scheduled",
            "criterion": "taylor",
            "granularity": ["head", "ffn_unit", "conv_channel"],
            "target": {"params": 0.5},
            "train": {"learning_rate": 0.0005, "num_train_epochs": 6},
        },
        "target": {"unit": "params", "kept": 0.5, "of": "the whole model", "reached": 0.4998},
        "dense": measures(scale=1.0, wer=0.0613),
        "pruned": measures(scale=0.4998, wer=0.0643),
        "comparison": {
            "params": 0.4998,
            "bytes": 0.5012,
            "macs": 0.5231,
            "speedup": {"median": 1.803, "ci95": [1.712, 1.894]},
            "wer_difference": 0.003,
            "wer_difference_ci95": [-0.004, 0.0101],
            "p_value": 0.31,
        },
        "seconds": {"train": 412.7, "evaluate": 38.2},
    }


def plan(layers: int) -> dict[str, Any]:
    draw = random.Random(layers)
    sites: list[dict[str, Any]] = []
    for layer in range(layers):
        for column, (granularity, units) in COLUMNS.items():
            kept = sorted(draw.sample(range(units), draw.randint(1 if units > 4 else 0, units)))
            module = f"encoder.layers.{layer}.{column}"
            sites.append(site(f"{module}:{granularity}", units=units, kept=kept))
    gone = site("encoder.layers.1.conv:module", units=1, kept=[])
    whole = site("encoder.layers.2.conv:module", units=1, kept=[0])
    return {"schema": 1, "family": "parakeet", "sites": [*sites, gone, whole]}


def site(name: str, *, units: int, kept: list[int]) -> dict[str, Any]:
    module, granularity = name.split(":")
    return {"name": name, "granularity": granularity, "module": module, "units": units, "kept": kept}


def log(steps: int) -> list[dict[str, Any]]:
    draw = random.Random(0)
    lines: list[dict[str, Any]] = []
    for step in range(0, steps, 5):
        done = step / steps
        ctc = 0.4 + 2 * math.exp(-5 * done) + 0.1 * draw.random()
        layers = 0.2 + 0.5 * math.exp(-3 * done) + 0.03 * draw.random()
        wanted = 1 - 0.5 * min(1.0, 1.6 * done) ** 3
        line = {"step": step, "seconds": step * 0.9, "loss": ctc + layers, "loss_ctc": ctc, "loss_layers": layers}
        line |= {"learning_rate": 5e-4 * (1 - done), "kept_wanted": wanted, "kept_reached": wanted + 0.01}
        lines.append({**line, "stage": "prune" if done < 0.6 else "recover"})
        if step % 100 == 0:
            lines.append({"step": step, "valid_wer": 0.06 + 0.2 * math.exp(-4 * done)})
    return lines


def transcripts(count: int) -> list[dict[str, Any]]:
    draw = random.Random(1)
    lines: list[dict[str, Any]] = []
    for index in range(count):
        words = draw.sample(WORDS, draw.randint(4, 12))
        dense = [word for word in words if draw.random() > 0.05]
        pruned = [word if draw.random() > 0.15 else "uh" for word in words]
        texts = {"reference": " ".join(words), "dense": " ".join(dense), "pruned": " ".join(pruned)}
        lines.append({"set": "test", "id": f"utt-{index:04}", "audio_filepath": f"wav/{index:04}.flac", **texts})
    return lines


def write_lines(path: Path, records: Iterable[object]) -> None:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")


@pytest.fixture
def numbers() -> dict[str, Any]:
    return report()


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run folder; a part given as ``None`` is not written."""

    def make(name: str = "half", *, layers: int = 8, utterances: int = 60, **parts: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        whole = {"report": report(), "plan": plan(layers), "log": log(600), "transcripts": transcripts(utterances)}
        whole |= parts
        for part in ("report", "plan"):
            if whole[part] is not None:
                (folder / f"{part}.json").write_text(json.dumps(whole[part]), encoding="utf-8")
        for part in ("log", "transcripts"):
            if whole[part] is not None:
                write_lines(folder / f"{part}.jsonl", whole[part])
        return folder

    return make
