from pathlib import Path
from typing import Any

import pytest

from secateur.errors import ModelError
from secateur.jobs.bench import bench
from secateur.recipes import Bench
from speech import save_recognizer

FEW = Bench(seconds=(0.6, 0.3), repeats=3)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return str(save_recognizer(folder / "large", intermediate_size=48)), str(save_recognizer(folder / "small"))


def rows(numbers: dict[str, Any]) -> list[float]:
    return [row["audio_seconds"] for row in numbers["latencies"]]


def test_a_model_alone_has_sizes_latencies_and_memory(models: tuple[str, str]) -> None:
    report = bench(models[1], settings=FEW)
    numbers = report["model"]
    assert set(report) == {"device", "model"}
    assert numbers["model"] == models[1]
    assert numbers["params"] == 9074
    assert numbers["bytes"] == (Path(models[1]) / "model.safetensors").stat().st_size
    assert rows(numbers) == [0.3, 0.6]
    assert numbers["latency"] == numbers["latencies"][0]
    assert numbers["rtf"] == numbers["latencies"][1]["median_s"] / 0.6
    assert all(0 < row["median_s"] <= row["p90_s"] for row in numbers["latencies"])
    assert numbers["peak_rss_bytes"] == 123_456_789


def test_against_another_there_is_a_speedup_per_length(models: tuple[str, str]) -> None:
    report = bench(models[1], against=models[0], settings=FEW)
    assert report["against"]["model"] == models[0]
    assert report["against"]["params"] > report["model"]["params"]
    assert [row["audio_seconds"] for row in report["speedups"]] == [0.3, 0.6]
    assert all(row["ci95"][0] <= row["median"] <= row["ci95"][1] for row in report["speedups"])


def test_a_model_that_is_none_is_refused(models: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^`MODEL` must be a folder .* does not exist"):
        bench(str(tmp_path / "none"), settings=FEW)
    with pytest.raises(ModelError, match=r"^`--against` must be a folder .* does not exist"):
        bench(models[0], against=str(tmp_path / "none"), settings=FEW)
