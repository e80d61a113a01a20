from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from secateur.checkpoint import file_bytes
from secateur.evaluation import Timings
from secateur.jobs import measure
from secateur.jobs.measure import Timed
from secateur.recipes import Bench
from secateur.tasks.heard import Heard
from speech import recognizer


def test_sizes_are_of_the_model_and_of_what_lies_on_disk(tmp_path: Path) -> None:
    model = recognizer()
    with torch.no_grad():
        model.ctc_head.weight[:4] = 0
    model.save_pretrained(tmp_path)
    found = measure.size(model, tmp_path)
    zeros = sum(int((parameter == 0).sum()) for parameter in model.parameters())
    assert found["params"] == 9074
    assert found["nonzero_params"] == 9074 - zeros
    assert found["bytes"] == (tmp_path / "model.safetensors").stat().st_size == file_bytes(model)
    assert isinstance(found["macs_per_audio_second"], int)


def test_a_folder_with_weights_in_another_format_counts_as_if_saved_anew(tmp_path: Path) -> None:
    assert measure.size(recognizer(), tmp_path)["bytes"] == file_bytes(recognizer())


def test_memory_is_measured_over_the_longest_utterance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}

    def peak(folder: Path, **options: Any) -> int:
        asked.update(options, folder=folder)
        return 7

    monkeypatch.setattr(measure, "peak_rss_bytes", peak)
    assert measure.peak_memory(tmp_path, Timed({2.0: {}, 9.0: {}}, 3, "audio_second")) == {"peak_rss_bytes": 7}
    assert asked == {"folder": tmp_path, "length": 9.0, "threads": 3}


def test_latency_is_of_the_shortest_utterance_and_rtf_of_the_longest() -> None:
    timings = {2.0: {"dense": Timings(samples=(0.2, 0.4, 0.3))}, 10.0: {"dense": Timings(samples=(1.0, 2.0, 3.0))}}
    found = Timed(timings, threads=1, unit="audio_second").measures("dense")
    assert found["latency"] == {
        "runtime": "torch",
        "threads": 1,
        "audio_seconds": 2.0,
        "median_s": 0.3,
        "p90_s": pytest.approx(np.quantile([0.2, 0.4, 0.3], 0.9)),
    }
    assert [row["median_s"] for row in found["latencies"]] == [0.3, 2.0]
    assert found["rtf"] == 0.2


def test_speedups_compare_round_by_round() -> None:
    dense, pruned = Timings(samples=(2.0, 4.0, 6.0)), Timings(samples=(1.0, 2.0, 3.0))
    assert Timed({4.0: {"dense": dense, "pruned": pruned}}, threads=1, unit="audio_second").speedups() == [
        {"audio_seconds": 4.0, "median": 2.0, "ci95": [2.0, 2.0]}
    ]


def test_lengths_are_timed_from_short_to_long() -> None:
    model = recognizer()
    timed = measure.time_models({"dense": model, "pruned": model}, Bench(seconds=(0.6, 0.3), repeats=2))
    assert list(timed.timings) == [0.3, 0.6]
    assert all(len(t.samples) == 2 for timings in timed.timings.values() for t in timings.values())


def test_comparison_has_the_ratios_of_what_both_have() -> None:
    dense = {"params": 100, "bytes": 500, "macs_per_audio_second": 1000}
    pruned = {"params": 50, "bytes": 300, "macs_per_audio_second": 400}
    nothing = {"dense": Heard({}, {}), "pruned": Heard({}, {})}
    assert measure.compare(dense, pruned, nothing) == {"params": 0.5, "bytes": 0.6, "macs": 0.4}
