import numpy as np
import pytest

pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")

from posteriorgrams import decode, every_text, posteriorgram
from secateur.decoding import best_path
from secateur.decoding.beam import Beam

ALL = 1_000
"""More hypotheses than there are."""


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_with_room_for_all_hypotheses_every_text_has_the_probability_of_all_its_paths(frames: int, seed: int) -> None:
    log_probs = posteriorgram(frames, seed)
    found, expected = Beam(decode, blank=0, size=ALL)(log_probs), every_text(log_probs)
    assert set(found.texts) == set(expected)
    assert np.exp(found.scores) == pytest.approx([expected[text] for text in found.texts], rel=1e-4)
    assert np.exp(found.scores).sum() == pytest.approx(1.0, rel=1e-4)
    assert sorted(found.scores, reverse=True) == found.scores.tolist()


def test_a_text_of_many_paths_beats_the_best_path() -> None:
    """Four in ten say blank, but six in ten an a, somewhere: 1 - 0.6 * 0.6 = 0.64 of two frames."""
    log_probs = np.log(np.array([[0.6, 1e-9, 0.4, 1e-9]] * 2, np.float32))
    assert best_path(decode)(log_probs).texts == ("",)
    found = Beam(decode, blank=0, size=ALL)(log_probs)
    assert found.texts[:2] == ("a", "")
    assert np.exp(found.scores[:2]) == pytest.approx([0.64, 0.36], rel=1e-4)


def test_no_text_is_there_twice_and_there_are_no_more_than_the_beam_keeps() -> None:
    found = Beam(decode, blank=0, size=6)(posteriorgram(12, 0))
    assert 1 < len(found.texts) <= 6
    assert len(set(found.texts)) == len(found.texts)
    assert all(text == " ".join(text.split()) for text in found.texts)


def test_a_search_does_not_remember_the_one_before() -> None:
    beam, one, two = Beam(decode, blank=0, size=9), posteriorgram(5, 0), posteriorgram(4, 1)
    first = beam(one)
    beam(two)
    again = beam(one)
    assert (again.texts, again.scores.tolist()) == (first.texts, first.scores.tolist())


def test_frames_may_lie_anywhere_in_memory() -> None:
    log_probs = posteriorgram(5, 0)
    strided = np.repeat(log_probs.astype(np.float64), 2, axis=1)[:, ::2]
    assert Beam(decode, blank=0, size=9)(strided).texts == Beam(decode, blank=0, size=9)(log_probs).texts
