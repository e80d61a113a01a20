"""What every language model says of texts: a Transformer and an n-gram alike."""

from pathlib import Path

import numpy as np
import pytest

from secateur.decoding import Scorer
from secateur.tasks.language import load_language
from texts import SENTENCES, save_language_model, write_text

TEXTS = ["the cat sat on the mat", "turn the light off", "the"]


@pytest.fixture(params=["transformer", "n-gram"])
def scorer(request: pytest.FixtureRequest, tmp_path: Path) -> Scorer:
    if request.param == "transformer":
        return load_language(str(save_language_model(tmp_path / "lm"))).scorer
    pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")
    return load_language(str(write_text(tmp_path / "words.txt"))).scorer


def test_an_end_costs_something_and_words_are_counted_without_it(scorer: Scorer) -> None:
    found = scorer(TEXTS)
    assert found.words.tolist() == [len(text.split()) for text in TEXTS]
    assert (found.ended < found.begun).all()
    assert (found.begun < 0.0).all()


def test_a_text_has_the_same_probability_in_any_company(scorer: Scorer) -> None:
    together, alone = scorer([*TEXTS, *SENTENCES]), scorer(TEXTS[1:2])
    for name in ("begun", "ended"):
        np.testing.assert_allclose(getattr(together, name)[1], getattr(alone, name)[0], rtol=1e-4)
