import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from secateur.checkpoint import file_bytes
from secateur.evaluation import NORMALIZER_NAME, Timings, word_errors
from secateur.jobs import measure
from secateur.jobs.measure import Heard, Timed
from secateur.jobs.speech import evaluated
from secateur.recipes import Bench
from speech import TEXTS, processor, recognizer, write_manifest

ONE = (["yes", "go on now"], ["yes", "go now"])
TWO = (["stop it"], ["top it please"])


def heard(**sets: tuple[list[str], list[str]]) -> Heard:
    return Heard(
        {name: hypotheses for name, (_, hypotheses) in sets.items()},
        {name: word_errors(references, hypotheses) for name, (references, hypotheses) in sets.items()},
    )


def test_listening_is_transcribing_every_set(tmp_path: Path) -> None:
    sets = evaluated({"a": (str(write_manifest(tmp_path / "a.jsonl")),)}, processor())
    found = measure.listen(recognizer(seed=1), processor(), sets)
    assert len(found.hypotheses["a"]) == 8
    assert found.errors["a"].wer == word_errors(TEXTS, found.hypotheses["a"]).wer


def test_accuracy_pools_the_words_of_all_sets() -> None:
    found = measure.accuracy(heard(one=ONE, two=TWO))
    assert (found["wer"], found["words"], found["utterances"]) == (
        3 / 6,
        6,
        3,
    )  # 1 deletion; 1 substitution, 1 insertion
    assert (found["sets"]["one"]["wer"], found["sets"]["two"]["wer"]) == (1 / 4, 2 / 2)


def test_a_single_set_is_not_repeated_and_no_set_gives_nothing() -> None:
    assert "sets" not in measure.accuracy(heard(one=ONE))
    assert measure.accuracy(heard()) == {}


def test_the_normalizer_is_named_where_words_were_counted() -> None:
    assert measure.normalizer(heard(), heard(one=ONE)) == {"normalizer": NORMALIZER_NAME}
    assert measure.normalizer(heard()) == {}
    assert measure.normalizer() == {}


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
    assert measure.peak_memory(tmp_path, Bench(seconds=(9.0, 2.0), threads=3)) == {"peak_rss_bytes": 7}
    assert asked == {"folder": tmp_path, "seconds": 9.0, "threads": 3}


def test_latency_is_of_the_shortest_utterance_and_rtf_of_the_longest() -> None:
    timings = {2.0: {"dense": Timings(samples=(0.2, 0.4, 0.3))}, 10.0: {"dense": Timings(samples=(1.0, 2.0, 3.0))}}
    found = Timed(timings, threads=1).measures("dense")
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
    assert Timed({4.0: {"dense": dense, "pruned": pruned}}, threads=1).speedups() == [
        {"audio_seconds": 4.0, "median": 2.0, "ci95": [2.0, 2.0]}
    ]


def test_lengths_are_timed_from_short_to_long() -> None:
    model = recognizer()
    timed = measure.time_models({"dense": model, "pruned": model}, Bench(seconds=(0.6, 0.3), repeats=2))
    assert list(timed.timings) == [0.3, 0.6]
    assert all(len(t.samples) == 2 for timings in timed.timings.values() for t in timings.values())


def test_comparison_has_ratios_and_the_difference_of_word_error_rates() -> None:
    dense = {"params": 100, "bytes": 500, "macs_per_audio_second": 1000}
    pruned = {"params": 50, "bytes": 300, "macs_per_audio_second": 400}
    both = {"dense": heard(one=ONE), "pruned": heard(one=(ONE[0], ["no", "go"]))}
    found = measure.compare(dense, pruned, both)
    assert (found["params"], found["bytes"], found["macs"]) == (0.5, 0.6, 0.4)
    assert found["wer_difference"] == pytest.approx(3 / 4 - 1 / 4)
    nothing = measure.compare(dense, pruned, {"dense": heard(), "pruned": heard()})
    assert set(nothing) == {"params", "bytes", "macs"}


def test_transcripts_hold_what_each_model_heard(tmp_path: Path) -> None:
    sets = evaluated({"a": (str(write_manifest(tmp_path / "a.jsonl", ["Yes", "no"])),)}, processor())
    errors = word_errors(["yes", "no"], ["yes", "no"])
    models = {"dense": Heard({"a": ["yes", "No!"]}, {"a": errors}), "pruned": Heard({"a": ["", "no"]}, {"a": errors})}
    measure.write_transcripts(tmp_path / "t.jsonl", sets, models)
    first, second = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert first == {
        "set": "a",
        "id": "a/0.wav",
        "audio_filepath": str(tmp_path / "a" / "0.wav"),
        "reference": "yes",
        "dense": "yes",
        "pruned": "",
    }
    assert (second["dense"], second["pruned"]) == ("no", "no")
