import logging
from pathlib import Path

import pytest

from secateur.data import audio as audio_module
from secateur.errors import DataError, ModelError
from secateur.jobs.transcribe import transcribe
from speech import save_recognizer, write_audio


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_recognizer(tmp_path_factory.mktemp("models") / "dense", seed=1))


def test_texts_come_in_the_order_of_the_files(dense: str, tmp_path: Path) -> None:
    files = [write_audio(tmp_path / f"{i}.wav", text, 0.3 + 0.2 * i) for i, text in enumerate(["yes", "no", "stop"])]
    together = transcribe(dense, files)
    assert together == [transcribe(dense, [file])[0] for file in files]
    assert transcribe(dense, files[::-1]) == together[::-1]
    assert transcribe(dense, [str(file) for file in files]) == together


def test_another_rate_and_several_channels_are_taken_and_the_rate_is_said(
    dense: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_module, "_resampled_rates", set())
    files = [write_audio(tmp_path / f"{i}.wav", "yes", 0.5, rate=8000, channels=2) for i in range(2)]
    with caplog.at_level(logging.WARNING):
        assert len(transcribe(dense, files)) == 2
    assert len([message for message in caplog.messages if "resampled to 16000 Hz (said once)" in message]) == 1


def nothing(path: Path) -> Path:
    return path


def text(path: Path) -> Path:
    path.write_text("no audio")
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def silent(path: Path) -> Path:
    return write_audio(path, "", 0.0)


BROKEN = [
    (nothing, "`AUDIO` must be a file, but there is no"),
    (text, "`AUDIO` must be speech that libsndfile reads, but"),
    (empty, "`AUDIO` must be speech that libsndfile reads, but"),
    (silent, "`AUDIO` must hold speech, but"),
    (lambda path: path.parent, "`AUDIO` must be a file"),
]


@pytest.mark.parametrize(("make", "fragment"), BROKEN)
def test_a_file_that_is_no_speech_is_named(make, fragment: str, dense: str, tmp_path: Path) -> None:
    path = make(tmp_path / "a.wav")
    with pytest.raises(DataError) as caught:
        transcribe(dense, [path])
    assert fragment in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_files_and_no_model_are_refused(dense: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must name at least one file, but is empty"):
        transcribe(dense, [])
    with pytest.raises(ModelError, match=r"^`MODEL` must be a folder .* does not exist"):
        transcribe(str(tmp_path / "none"), [write_audio(tmp_path / "a.wav")])
