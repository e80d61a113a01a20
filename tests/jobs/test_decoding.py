import subprocess
import sys

import pytest

from secateur.errors import RequestError
from secateur.jobs.decoding import Decoding
from secateur.recipes.names import NBEST

GIVEN = {"lm_weight": 0.5, "word_bonus": 0.0}


@pytest.mark.parametrize(
    ("options", "searched", "fuses"),
    [
        ({}, False, False),
        ({"decoder": "beam"}, True, True),
        ({"lms": ("a",), "tune_on": ("v",)}, True, False),
        ({"lms": ("a",), **GIVEN}, True, False),
        ({"lms": ("a", "b"), "decoder": "beam", "tune_on": ("v",)}, True, True),
    ],
)
def test_what_is_asked_for_decides_whether_to_search(options: dict, searched: bool, fuses: bool) -> None:
    found = Decoding(**options)
    assert (found.searched, found.fuses) == (searched, fuses)
    assert found.size == NBEST


def test_a_list_may_be_shorter_or_longer() -> None:
    assert Decoding(decoder="beam", nbest=7).size == 7


WRONG = [
    ({"lms": ("a",)}, "`--lm` must come with `--tune-on MANIFEST`"),
    ({"lms": ("a",), "lm_weight": 0.5}, "or with both `--lm-weight` and `--word-bonus`"),
    ({"tune_on": ("v",)}, "are for language models; name one by `--lm`"),
    ({"word_bonus": 1.0}, "are for language models"),
    ({"lms": ("a",), "tune_on": ("v",), "lm_weight": 0.5}, "give either the one or the others"),
    ({"decoder": "beam", "nbest": 0}, "`--nbest` must be 1 to 1000, .* but is 0"),
    ({"decoder": "beam", "nbest": 1001}, "but is 1001"),
    ({"nbest": 5}, "is 5 with `--decoder greedy` and 0 language models"),
    ({"lms": ("a",), "lm_weight": -0.1, "word_bonus": 0.0}, "`--lm-weight` must be .* at least 0, but is -0.1"),
    ({"lms": ("a",), "lm_weight": 0.1, "word_bonus": float("nan")}, "`--word-bonus` must be a finite number, but is"),
]


@pytest.mark.parametrize(("options", "fragment"), WRONG)
def test_what_contradicts_itself_is_a_sentence(options: dict, fragment: str) -> None:
    with pytest.raises(RequestError, match=fragment):
        Decoding(**options)


def test_asking_takes_no_torch() -> None:
    code = "import sys, secateur.jobs.decoding; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
