from pathlib import Path
from typing import Any

import pytest
from speech import save_recognizer, write_audio

from secateur.jobs.transcribe import transcribe


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
