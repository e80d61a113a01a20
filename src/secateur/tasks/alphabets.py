"""Whether a recognizer and a language model write alike."""

from collections.abc import Iterable

from secateur.errors import ModelError
from secateur.evaluation import NORMALIZER_NAME, normalize
from secateur.tasks.language import Language, letters

ENOUGH = 0.5
"""Share of the recognizer's letters that a language model must know: rare ones may be missing from a small text, but
another case or another script misses nearly all of them."""

SHOWN = 8
"""Missing letters that the message repeats."""


def check_alphabets(recognizer: str, pieces: Iterable[str], language: Language) -> None:
    """Make sure that a language model knows the letters that a recognizer's tokens write, once they are normalized.

    Raises:
        ModelError: It knows less than half of them.
    """
    needed = letters(map(normalize, pieces))
    missing = needed - language.letters
    if len(missing) > (1 - ENOUGH) * len(needed):
        raise ModelError(
            f"`--lm` must write with the letters of the recognizer `{recognizer}` once they are normalized "
            f"({NORMALIZER_NAME}), but `{language.name}` lacks {len(missing)} of {len(needed)} "
            f"({' '.join(sorted(missing)[:SHOWN])} ...); train it on text that is normalized like this"
        )
