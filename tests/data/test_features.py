import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LasrFeatureExtractor, SeamlessM4TFeatureExtractor, Wav2Vec2FeatureExtractor

from secateur.data import features as public
from secateur.data import read
from secateur.data.features import cache_folder, extractor, features, features_once
from secateur.errors import DataError
from speech import MELS, processor, write_audio, write_manifest

EXTRACTOR = processor().feature_extractor


def manifest(folder: Path) -> list:
    return read(write_manifest(folder / "m.jsonl", ["yes", "no", "go on"]))


def files() -> list[str]:
    return sorted(path.name for path in cache_folder().rglob("*") if path.is_file())


def test_features_are_the_extractors_one_by_one(tmp_path: Path) -> None:
    from secateur.data.audio import load

    utterances = manifest(tmp_path)
    found = features(utterances, EXTRACTOR)
    assert public is features
    assert len(found) == 3
    for i, utterance in enumerate(utterances):
        batch = EXTRACTOR([load(utterance, 16000)], sampling_rate=16000, return_tensors="pt")
        expected = batch["input_features"][0][batch["attention_mask"][0].bool()].numpy()
        np.testing.assert_array_equal(found[i], expected)
        assert found.lengths[i] == len(expected) == int(utterance.duration * 100)


def test_taking_some_keeps_the_order_asked_for(tmp_path: Path) -> None:
    found = features(manifest(tmp_path), EXTRACTOR)
    taken = found.take(np.array([2, 0]))
    assert len(taken) == 2
    np.testing.assert_array_equal(taken[0], found[2])
    np.testing.assert_array_equal(taken[1], found[0])


def test_the_second_call_reads_no_audio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    utterances = manifest(tmp_path)
    first = features(utterances, EXTRACTOR)

    def unread(*_: object) -> None:
        raise AssertionError("audio was read")

    monkeypatch.setattr("soundfile.SoundFile", unread)
    second = features(utterances, EXTRACTOR)
    np.testing.assert_array_equal(first.frames, second.frames)
    assert isinstance(second.frames, np.memmap)


def test_a_changed_file_is_computed_again(tmp_path: Path) -> None:
    utterances = manifest(tmp_path)
    before = features(utterances, EXTRACTOR)[0]
    write_audio(utterances[0].audio, "no!", utterances[0].duration)
    os.utime(utterances[0].audio, ns=(1, 1))
    after = features(utterances, EXTRACTOR)[0]
    assert before.shape == after.shape
    assert not np.allclose(before, after)


def test_speed_precision_and_the_extractor_have_entries_of_their_own(tmp_path: Path) -> None:
    utterances = manifest(tmp_path)
    plain = features(utterances, EXTRACTOR)
    half = features(utterances, EXTRACTOR, half=True)
    slow = features(utterances, EXTRACTOR, speed=0.5)
    other = processor().feature_extractor
    other.preemphasis = 0.5
    loud = features(utterances, other)
    assert len(files()) == 8
    assert half.frames.dtype == np.float16
    assert half[0].dtype == np.float32
    np.testing.assert_allclose(half[0], plain[0], atol=5e-3)
    assert slow.lengths[0] == 2 * plain.lengths[0]
    assert not np.allclose(loud[0], plain[0])


def test_what_fails_on_the_way_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    utterances = manifest(tmp_path)
    save = np.save

    def full_disk(file, array, **options: object) -> None:
        file.write(b"half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "save", full_disk)
    with pytest.raises(OSError, match="no space left"):
        features(utterances, EXTRACTOR)
    assert files() == []
    monkeypatch.setattr(np, "save", save)
    assert len(features(utterances, EXTRACTOR)) == 3


def test_half_an_entry_is_written_again(tmp_path: Path) -> None:
    utterances = manifest(tmp_path)
    whole = np.array(features(utterances, EXTRACTOR).frames)
    for name in files():
        (cache_folder() / "features" / name).unlink()
        np.testing.assert_array_equal(features(utterances, EXTRACTOR).frames, whole)
    assert len(files()) == 2


def cut_short(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def a_row_less(file: Path) -> None:
    np.save(file, np.load(file)[:-1])


@pytest.mark.parametrize("damage", [cut_short, emptied, a_row_less])
def test_a_damaged_entry_is_written_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    utterances = manifest(tmp_path)
    whole = np.array(features(utterances, EXTRACTOR).frames)
    for name in files():
        damage(cache_folder() / "features" / name)
        np.testing.assert_array_equal(features(utterances, EXTRACTOR).frames, whole)


def test_an_audio_error_writes_nothing(tmp_path: Path) -> None:
    utterances = manifest(tmp_path)
    utterances[-1].audio.unlink()
    with pytest.raises(DataError, match="does not exist"):
        features(utterances, EXTRACTOR)
    assert files() == []


def test_the_number_of_torch_threads_comes_back_also_after_an_error(tmp_path: Path) -> None:
    utterances = manifest(tmp_path)
    utterances[0].audio.unlink()
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        with pytest.raises(DataError):
            features(utterances, EXTRACTOR)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_a_file_is_what_numpy_would_have_written(tmp_path: Path) -> None:
    found = features(manifest(tmp_path), EXTRACTOR)
    np.save(tmp_path / "as_numpy.npy", np.array(found.frames))
    [file] = [path for path in (cache_folder() / "features").glob("*.npy") if not path.name.endswith(".starts.npy")]
    assert file.read_bytes() == (tmp_path / "as_numpy.npy").read_bytes()


def test_what_is_heard_once_leaves_nothing_behind(tmp_path: Path) -> None:
    utterances = manifest(tmp_path)
    found = features_once(utterances, EXTRACTOR)
    assert not (cache_folder() / "features").exists()
    kept = features(utterances, EXTRACTOR)
    assert all(np.array_equal(found[i], kept[i]) for i in range(len(kept)))


@pytest.mark.parametrize(("samples", "frames"), [(1, 0), (159, 0), (160, 1), (320, 2)])
def test_the_shortest_sounds_give_finite_features(samples: int, frames: int) -> None:
    noise = np.random.default_rng(0).normal(size=samples).astype(np.float32)
    found = extractor(EXTRACTOR)(noise)
    assert found.shape == (frames, MELS)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("samples", [1, 100, 399, 400, 559, 560, 720])
@pytest.mark.parametrize(
    ("whole_windows", "shape"),
    [
        (LasrFeatureExtractor(feature_size=MELS), (2, MELS)),
        (SeamlessM4TFeatureExtractor(feature_size=MELS, num_mel_bins=MELS), (1, 2 * MELS)),
    ],
    ids=["lasr", "wav2vec2_bert"],
)
def test_extractors_that_need_a_whole_window_get_two(whole_windows, shape: tuple[int, int], samples: int) -> None:
    noise = np.random.default_rng(0).normal(size=samples).astype(np.float32)
    found = extractor(whole_windows)(noise)
    assert found.shape[1] == shape[1]
    assert len(found) == shape[0] if samples < 720 else len(found) >= shape[0]
    assert np.isfinite(found).all()


@pytest.mark.parametrize("attention_mask", [True, False])
def test_samples_stay_samples(attention_mask: bool, tmp_path: Path) -> None:
    utterances = manifest(tmp_path)
    found = features(utterances, Wav2Vec2FeatureExtractor(return_attention_mask=attention_mask))
    assert found.frames.ndim == 1
    assert found.lengths.tolist() == [round(16_000 * utterance.duration) for utterance in utterances]
    assert abs(float(found[1].mean())) < 1e-3
    assert abs(float(found[1].std()) - 1) < 1e-3


def test_the_cache_lies_in_the_home_folder_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECATEUR_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("SECATEUR_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "secateur"
