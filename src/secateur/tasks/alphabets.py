"""Whether a recognizer and a language model write alike."""

import logging
from collections.abc import Iterable

from secateur.errors import ModelError
from secateur.evaluation import NORMALIZER_NAME, normalize
from secateur.tasks.language import Language, characters

ENOUGH = 0.5
"""Share of the recognizer's characters that a language model must know: rare ones may be missing from a small text, but
another case or another script misses nearly all of them."""

SHOWN = 8
"""Missing characters that a message repeats."""

logger = logging.getLogger(__name__)


def check_alphabets(recognizer: str, pieces: Iterable[str], language: Language) -> None:
    """Make sure that a language model knows what a recognizer's tokens write, once it is normalized.

    Some characters that it does not know are warned of, and read once: a tokenizer that takes none is told now, not
    after an hour of search.

    Raises:
        ModelError: It knows less than half of them, or does not take the others.
    """
    needed = characters(map(normalize, pieces))
    missing = needed - language.characters
    lacks = f"{len(missing)} of {len(needed)} ({_shown(missing)})"
    if len(missing) > (1 - ENOUGH) * len(needed):
        raise ModelError(
            f"`model` must write with the letters of the recognizer `{recognizer}` once they are normalized "
            f"({NORMALIZER_NAME}), but `{language.name}` lacks {lacks}; train it on text that is normalized like this"
        )
    if missing:
        logger.warning(
            "`%s` lacks characters that `%s` writes, %s: words with them score low, whatever was said",
            language.name,
            recognizer,
            lacks,
        )
        language.scorer([" ".join(sorted(missing))])


def _shown(missing: Iterable[str]) -> str:
    found = sorted(missing)
    return " ".join([*found[:SHOWN], *(["..."] if len(found) > SHOWN else [])])
