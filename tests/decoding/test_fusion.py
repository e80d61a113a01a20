from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")

from posteriorgrams import PIECES, decode, every_text, posteriorgram
from secateur.decoding import Scored, Weights
from secateur.decoding.fusion import FusedBeam, Words, complete
from secateur.decoding.spelling import spell

ALL = 1_000
END = "</s>"
SUBWORDS = ("", " a", "b", " b")
"""Pieces that begin a word bring its space along."""


def surprise(before: str, word: str) -> float:
    """Nats of a word after another: anything that hangs on both."""
    return 0.3 + (7 * len(before) + sum(map(ord, word))) % 5 / 2


def said(text: str) -> tuple[float, float]:
    words = text.split()
    begun = -sum(surprise(before, word) for before, word in zip(["", *words], words, strict=False))
    return begun, begun - surprise(words[-1] if words else "", END)


class Bigram:
    """A scorer that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Scored:
        self.asked.append(list(texts))
        begun, ended = zip(*map(said, texts), strict=True)
        return Scored(np.array(begun), np.array(ended), np.array([len(text.split()) for text in texts]))


@pytest.mark.parametrize("weights", [Weights(0.0, 0.0), Weights(0.6, 0.0), Weights(0.6, 1.5), Weights(1.2, -0.5)])
@pytest.mark.parametrize("pieces", [PIECES, SUBWORDS], ids=["characters", "subwords"])
@pytest.mark.parametrize("frames", [1, 5])
def test_with_room_for_all_hypotheses_every_text_has_the_score_that_rescoring_gives_it(
    weights: Weights, pieces: tuple[str, ...], frames: int
) -> None:
    log_probs = posteriorgram(frames, 3, pieces=pieces)
    beam = FusedBeam(
        lambda paths: [spell(path, pieces) for path in paths],
        Words(Bigram(), weights),
        pieces=pieces,
        blank=0,
        size=ALL,
    )
    found, sound = beam(log_probs), every_text(log_probs, pieces)
    expected = {
        text: np.log(p) + weights.lm * said(text)[1] + weights.bonus * len(text.split()) for text, p in sound.items()
    }
    assert set(found.texts) == set(expected)
    assert found.scores == pytest.approx([expected[text] for text in found.texts], rel=1e-4)
    assert found.texts[0] == max(expected, key=lambda text: expected[text])


def test_a_language_model_decides_between_words_that_sound_alike() -> None:
    log_probs = np.log(np.array([[1e-4, 1e-4, 0.51, 0.49], [1e-4, 1, 1e-4, 1e-4], [1e-4, 1e-4, 0.51, 0.49]]))

    def knows_only_b(texts: Sequence[str]) -> Scored:
        nats = np.array([-5.0 * sum(word != "b" for word in text.split()) for text in texts])
        return Scored(nats, nats, np.array([len(text.split()) for text in texts]))

    def best(weight: float) -> str:
        words = Words(knows_only_b, Weights(weight, 0.0))
        return FusedBeam(decode, words, pieces=PIECES, blank=0, size=20)(log_probs.astype(np.float32)).texts[0]

    assert (best(0.0), best(1.0)) == ("a a", "b b")


def test_every_text_of_an_utterance_is_asked_for_once_and_together_with_others() -> None:
    scorer = Bigram()
    words = Words(scorer, Weights(0.5, 0.0))
    beam = FusedBeam(decode, words, pieces=PIECES, blank=0, size=20)
    found = beam(posteriorgram(12, 0))
    texts = [text for batch in scorer.asked for text in batch]
    assert len(texts) == len(set(texts))
    assert len(scorer.asked) <= 2 + 12  # the empty text, once per frame that may end a word, and the end
    kept = len(words._begun)
    assert beam(posteriorgram(12, 0)).texts == found.texts
    assert len(words._begun) == kept  # what another utterance asked for is gone


def test_frames_that_end_no_word_ask_for_nothing() -> None:
    log_probs = np.log(np.array([[0.5, 1e-9, 0.25, 0.25]] * 9, np.float32))
    scorer = Bigram()
    FusedBeam(decode, Words(scorer, Weights(0.5, 0.0)), pieces=PIECES, blank=0, size=20)(log_probs)
    assert len(scorer.asked) == 2  # the empty text before the first letter, and all texts at the end


@pytest.mark.parametrize(
    ("text", "expected"), [("", ""), ("a", ""), (" a", ""), ("a ", "a"), ("a b", "a"), (" a b ", " a b")]
)
def test_words_are_complete_once_a_space_follows(text: str, expected: str) -> None:
    assert complete(text) == expected
