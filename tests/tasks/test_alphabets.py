import logging
from collections.abc import Sequence

import numpy as np
import pytest

from secateur.decoding import Scored
from secateur.errors import ModelError
from secateur.evaluation import NORMALIZER_NAME
from secateur.tasks.alphabets import check_alphabets
from secateur.tasks.language import Language, characters


def language(text: str, *, takes: str = "") -> Language:
    """A language model that knows the characters of a text, and is asked for what it `takes` besides, if at all."""

    def score(texts: Sequence[str]) -> Scored:
        if list(texts) != [takes]:
            raise ModelError(f"asked for {texts}")
        return Scored(np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int64))

    return Language("runs/lm", score, characters(text))


SMALL = "abcdefghij"


@pytest.mark.parametrize(
    ("recognizer", "known"),
    [
        (SMALL, SMALL),
        (SMALL.upper(), SMALL),  # the normalizer makes them small
        (SMALL, SMALL[:5]),  # the rest is rare, perhaps
        (SMALL + "-▁ .", SMALL),  # what spells no word does not count
        ("дом", "домик и Haus"),
    ],
)
def test_those_that_write_alike_go_together(recognizer: str, known: str) -> None:
    missing = sorted(characters(recognizer.lower()) - characters(known))
    check_alphabets("runs/half", recognizer, language(known, takes=" ".join(missing)))


@pytest.mark.parametrize(
    ("recognizer", "known", "fragment"),
    [
        (SMALL, SMALL.upper(), "lacks 10 of 10 (a b c d e f g h ...)"),
        (SMALL.upper(), SMALL.upper(), "lacks 10 of 10"),
        (SMALL, SMALL[:4], "lacks 6 of 10 (e f g h i j)"),
        ("дом", SMALL, "lacks 3 of 3 (д м "),
        ("567", "abc", "lacks 3 of 3 (5 6 7)"),
    ],
)
def test_another_case_or_script_is_refused_and_the_normalizer_named(recognizer: str, known: str, fragment: str) -> None:
    with pytest.raises(ModelError) as caught:
        check_alphabets("runs/half", recognizer, language(known))
    message = str(caught.value)
    assert fragment in message
    assert f"({NORMALIZER_NAME})" in message
    assert "`runs/half`" in message
    assert "`runs/lm`" in message


def test_a_few_characters_that_it_does_not_know_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_alphabets("runs/half", SMALL + "'5", language(SMALL, takes="' 5"))
        check_alphabets("runs/half", SMALL, language(SMALL))
    (said,) = caplog.messages
    assert said.startswith("`runs/lm` lacks characters that `runs/half` writes, 2 of 12 (' 5): ")


def test_one_that_does_not_take_what_it_lacks_is_refused_before_the_search() -> None:
    with pytest.raises(ModelError, match="asked for"):
        check_alphabets("runs/half", SMALL + "5", language(SMALL, takes="nothing"))
