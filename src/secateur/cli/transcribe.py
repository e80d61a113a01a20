"""``secateur transcribe``: audio to text."""

from pathlib import Path
from typing import Annotated

import typer

from secateur.cli.common import Model

EXAMPLES = """Examples:

secateur transcribe runs/half/model hello.wav

secateur transcribe runs/half/model *.flac > transcripts.txt"""


def transcribe(
    model: Model, audio: Annotated[list[Path], typer.Argument(metavar="AUDIO...", help="Audio files.")]
) -> None:
    """Print what is said in audio files, one line per file."""
    from secateur.jobs.transcribe import transcribe as run

    for text in run(model, audio):
        print(text)
