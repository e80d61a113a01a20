import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile

from secateur.data import audio
from secateur.data.manifest import Utterance
from secateur.errors import DataError
from speech import RATE, samples, write_audio


def said(path: Path, duration: float, offset: float | None = None) -> Utterance:
    return Utterance(
        audio=path, text="yes", duration=duration, offset=offset or 0.0, whole_file=offset is None, key=path.name
    )


def test_a_file_comes_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    values = (np.arange(-800, 800) / 1000).astype(np.float32)
    soundfile.write(path, values, RATE, subtype="PCM_24")
    loaded = audio.load(said(path, 0.1), RATE)
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, values, atol=2**-23)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = samples("a", 0.1), samples("z", 0.1)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(audio.load(said(tmp_path / "a.wav", 0.1), RATE), (left + right) / 2, atol=1e-7)


def test_an_offset_cuts_out_exactly_its_samples(tmp_path: Path) -> None:
    values = samples("abc", 1.0)
    soundfile.write(tmp_path / "a.wav", values, RATE, subtype="FLOAT")
    loaded = audio.load(said(tmp_path / "a.wav", 0.25, offset=0.5), RATE)
    np.testing.assert_array_equal(loaded, values[8000:12000])


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_another_rate_is_resampled_and_said_once(
    rate: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "_resampled_rates", set())
    seconds, pitch = 0.5, 440.0
    tone = 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in paths:
        soundfile.write(path, tone, rate, subtype="FLOAT")
    with caplog.at_level(logging.WARNING):
        loaded = [audio.load(said(path, seconds), RATE) for path in paths]
    assert [message for message in caplog.messages if "Hz" in message] == [
        f"`a.wav` has {rate} Hz: resampled to {RATE} Hz (said once)"
    ]
    middle = slice(800, -800)  # the filter rings at both ends
    expected = 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)
    assert len(loaded[0]) == len(expected)
    np.testing.assert_allclose(loaded[0][middle], expected[middle], atol=2e-3)


def test_manifests_may_round_durations(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", seconds=0.5)
    assert len(audio.load(said(path, 0.6), RATE)) == 8000
    assert len(audio.load(said(path, 0.4), RATE)) == 8000


def test_a_file_far_longer_than_its_manifest_says_is_named_unless_it_is_cut_from(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", seconds=0.9)
    with pytest.raises(DataError, match=r"must hold 0.40 s, as its manifest says, but holds 0.90 s; for a part"):
        audio.load(said(path, 0.4), RATE)
    assert len(audio.load(dataclasses.replace(said(path, 0.4), whole_file=False), RATE)) == 6400


def test_an_utterance_of_a_fifth_of_a_second_may_be_rounded_too(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", seconds=0.16)
    assert len(audio.load(said(path, 0.2), RATE)) == 2560


@pytest.mark.parametrize(("speed", "length"), [(0.9, 1778), (1.0, 1600), (1.1, 1455), (2.0, 800)])
def test_speed_divides_the_length_and_multiplies_the_pitch(speed: float, length: int) -> None:
    tone = np.sin(2 * np.pi * 0.01 * np.arange(1600)).astype(np.float32)
    played = audio.change_speed(tone, speed)
    assert len(played) == length
    assert played.dtype == np.float32
    expected = np.sin(2 * np.pi * 0.01 * speed * np.arange(length))
    np.testing.assert_allclose(played[200:-200], expected[200:-200], atol=5e-3)


def missing(path: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("this is no audio")


def truncated_flac(path: Path) -> None:
    soundfile.write(path, samples("yes", 1.0), RATE, format="FLAC")
    path.write_bytes(path.read_bytes()[:1000])


def truncated_wav(path: Path) -> None:
    soundfile.write(path, samples("yes", 0.8), RATE, format="WAV")


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros(0), RATE, format="WAV")


def nan(path: Path) -> None:
    soundfile.write(path, np.full(16000, np.nan), RATE, format="WAV", subtype="FLOAT")


def folder(path: Path) -> None:
    path.mkdir()


BROKEN = [
    (missing, "is in a manifest but does not exist; check `audio_filepath`"),
    (folder, "is in a manifest but does not exist"),
    (empty, "cannot be read"),
    (text, "cannot be read"),
    (truncated_flac, "is it truncated?"),
    (truncated_wav, "must hold 1.00 s from 0.00 s on, as its manifest says, but holds 0.80 s; is the file truncated?"),
    (no_samples, "but holds 0.00 s"),
    (nan, "must hold finite samples"),
]


@pytest.mark.parametrize(("make", "fragment"), BROKEN)
def test_a_broken_file_is_named(make, fragment: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(DataError) as caught:
        audio.load(said(path, 1.0), RATE)
    assert fragment in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_offset_beyond_the_end_is_refused(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", seconds=0.5)
    with pytest.raises(DataError, match=r"must hold 0\.20 s from 3\.00 s on, .* but holds 0\.00 s"):
        audio.load(said(path, 0.2, offset=3.0), RATE)


def test_even_the_shortest_utterance_must_hold_something(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    with pytest.raises(DataError, match=r"holds 0\.00 s"):
        audio.load(said(tmp_path / "a.wav", 0.01), RATE)
