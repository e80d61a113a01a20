"""`secateur transcribe`: audio files to text."""

from collections.abc import Sequence
from pathlib import Path

import soundfile

from secateur.data import Utterance, features_once
from secateur.decoding import transcribe as decode
from secateur.errors import DataError
from secateur.tasks.models import asked_as, load_processor, load_recognizer


def transcribe(model: str, audio: Sequence[str | Path]) -> list[str]:
    """Transcribe audio files; the texts come in the order of the files. Nothing of them is kept.

    Raises:
        ModelError, DataError: The model or a file cannot be read.
    """
    if not audio:
        raise DataError("`audio` must name at least one file, but is empty")
    utterances = [_utterance(Path(path)) for path in audio]
    with asked_as("MODEL"):
        recognizer, processor = load_recognizer(model), load_processor(model)
    return decode(recognizer, processor, features_once(utterances, processor.feature_extractor))


def _utterance(path: Path) -> Utterance:
    if not path.is_file():
        raise DataError(f"`AUDIO` must be a file, but there is no `{path}`")
    try:
        duration = soundfile.info(path).duration
    except soundfile.LibsndfileError as error:
        raise DataError(f"`AUDIO` must be speech that libsndfile reads, but `{path}` is not: {error}") from None
    if duration <= 0:
        raise DataError(f"`AUDIO` must hold speech, but `{path}` has no samples")
    return Utterance(audio=path, text="", duration=duration, key=str(path))
