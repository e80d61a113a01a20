import pytest
import torch

import tiny
from secateur.jobs import runtimes
from secateur.jobs.runtimes import linear_layers, run_on
from secateur.recipes import Bench
from sparse_weights import zeroed
from speech import recognizer

FEW = Bench(seconds=(0.6, 0.3), tokens=(4,), repeats=2)


@pytest.fixture(autouse=True)
def small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    has = {"architecture": "x86_64", "avx512_f": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)  # the same forms on every processor
    monkeypatch.setattr(runtimes, "bytes_per_second", lambda threads: 1e9 * threads)


def test_a_recognizer_is_timed_whole_and_layer_by_layer_in_every_form() -> None:
    found = run_on(zeroed(recognizer()), ("sparse",), settings=FEW, threads=(1, 2), tokens=(1, 3))
    assert found["read_bytes_per_second"] == {"1": 1e9, "2": 2e9}
    assert [(row["threads"], row["audio_seconds"]) for row in found["whole"][::4]] == [
        (1, 0.3), (1, 0.6), (2, 0.3), (2, 0.6),
    ]  # fmt: skip
    assert {row["tokens"] for row in found["layers"]} == {1, 3}
    for row in found["whole"] + found["layers"]:
        assert 0 < row["median_s"] <= row["p90_s"]
        assert row["of_ceiling"] == pytest.approx(row["bytes"] / row["median_s"] / (1e9 * row["threads"]))
        assert len(row["times"]) == 3
    assert all(row["rtf"] == row["median_s"] / row["audio_seconds"] for row in found["whole"])


def test_a_language_model_is_timed_in_tokens() -> None:
    found = run_on(tiny.gpt2(), ("torch",), settings=FEW, threads=(1,), tokens=(2,))
    assert [row["runtime"] for row in found["whole"]] == ["torch"] * 3
    assert all(row["tokens_per_second"] == 4 / row["median_s"] for row in found["whole"])


def test_layers_of_a_shape_stand_together_also_those_under_another_name() -> None:
    counted = {shape: len(layers) for shape, layers in linear_layers(recognizer(hidden_size=16)).items()}
    assert counted[24, 16] == 2 * 2  # both feed-forward modules of two layers
    assert counted[32, 16] == 2  # the pointwise convolution in front of the GLU
    sizes = [rows * columns * count for (rows, columns), count in counted.items()]
    assert sizes == sorted(sizes, reverse=True)


def test_a_ratio_says_how_many_times_as_fast_a_form_is() -> None:
    odd = FEW.model_copy(update={"repeats": 3})  # then the median of ratios is that of their inverses, inverted
    [fp32, bf16, _] = run_on(tiny.gpt2(), ("torch",), settings=odd, threads=(1,), tokens=())["whole"]
    assert fp32["times"]["torch bf16"]["median"] == pytest.approx(1 / bf16["times"]["torch fp32"]["median"])
