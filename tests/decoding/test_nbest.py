import numpy as np
import pytest

from secateur.decoding.nbest import SILENCE, n_best


def test_the_same_text_on_two_ways_is_as_likely_as_both_together() -> None:
    found = n_best([("no", np.log(0.3)), ("yes", np.log(0.2)), ("yes", np.log(0.25))])
    assert found.texts == ("yes", "no")
    assert np.exp(found.scores) == pytest.approx([0.45, 0.3])


def test_equals_are_in_the_order_of_their_letters() -> None:
    assert n_best([("b", -1.0), ("c", -1.0), ("a", -1.0)]).texts == ("a", "b", "c")


def test_silence_is_certain() -> None:
    assert (SILENCE.texts, SILENCE.scores.tolist()) == (("",), [0.0])
