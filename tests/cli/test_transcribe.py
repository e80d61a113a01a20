import json
from pathlib import Path
from typing import Any

import pytest
import soundfile
from transformers import pipeline

from secateur.evaluation import word_errors
from secateur.jobs.transcribe import transcribe
from speech import real_data, save_recognizer, write_audio


def test_texts_go_to_standard_output_one_line_per_file(tmp_path: Path, secateur: Any) -> None:
    model = save_recognizer(tmp_path / "m", seed=1)
    files = [write_audio(tmp_path / f"{i}.wav", text, 0.5) for i, text in enumerate(["yes", "no"])]
    said = secateur("transcribe", model, *files)
    assert said.code == 0
    assert said.out.splitlines() == transcribe(str(model), files)


@pytest.mark.parametrize(
    ("name", "fragment"), [("none.wav", "there is no"), ("m/config.json", "that libsndfile reads")]
)
def test_a_file_that_is_none_exits_2(name: str, fragment: str, tmp_path: Path, secateur: Any) -> None:
    model = save_recognizer(tmp_path / "m")
    said = secateur("transcribe", model, tmp_path / name)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("secateur: `AUDIO` must be")
    assert fragment in said.err


def test_real_speech_is_transcribed_as_the_librarys_own_pipeline_does(secateur: Any) -> None:
    data = real_data()
    model = str(data / "models" / "parakeet-ctc-an4-digits")
    lines = [json.loads(line) for line in (data / "an4" / "test.jsonl").read_text().splitlines()[:60:10]]
    files = [str(data / "an4" / line["audio_filepath"]) for line in lines]
    said = secateur("transcribe", model, *files)
    assert said.code == 0
    texts = said.out.splitlines()
    hear = pipeline("automatic-speech-recognition", model=model)  # given samples: from files it wants ffmpeg
    assert texts == [hear(soundfile.read(file, dtype="float32")[0])["text"].strip() for file in files]
    assert word_errors([line["text"] for line in lines], texts).wer < 0.3
