import logging
from pathlib import Path

import numpy as np
import pytest

from secateur.data import Utterance, trainable
from secateur.data.select import ctc_frames
from secateur.errors import DataError

UNKNOWN = 9


def utterance(key: str, duration: float = 1.0) -> Utterance:
    return Utterance(audio=Path(f"{key}.wav"), text=f"text of {key}", duration=duration, key=key)


def chosen(tokens: list[list[int]], frames: list[int], durations: list[float] | None = None):
    utterances = [utterance(f"u{i}", (durations or [1.0] * len(tokens))[i]) for i in range(len(tokens))]
    return trainable(utterances, tokens, np.array(frames), unknown=UNKNOWN, max_seconds=10.0, needed=ctc_frames)


def by_hand(tokens: list[int]) -> int:
    """Walk through the alignment that is shortest: a blank wherever a token repeats."""
    path: list[int] = []
    for token in tokens:
        path += [0, token] if path and path[-1] == token else [token]
    return len(path)


@pytest.mark.parametrize("tokens", [[], [3], [3, 4], [3, 3], [3, 3, 3], [3, 4, 4, 5, 5, 3]])
def test_ctc_needs_a_frame_per_token_and_a_blank_between_equals(tokens: list[int]) -> None:
    assert ctc_frames(tokens) == by_hand(tokens)


def test_whatever_can_be_aligned_stays_in_order() -> None:
    found = chosen([[3, 3], [4], [5, 6]], [3, 1, 1])
    assert found.indices == (0, 1)
    assert found.labels == ((3, 3), (4,))


SKIPPED = [
    ([[3], [4, 4]], [1, 2], None, "are too short for their text"),
    ([[3], [UNKNOWN, 4]], [1, 9], None, "have characters outside the vocabulary"),
    ([[3], []], [1, 9], None, "have no text"),
    ([[3], [4]], [1, 9], [1.0, 10.5], "are longer than 10 s"),
]


@pytest.mark.parametrize(("tokens", "frames", "durations", "reason"), SKIPPED)
def test_what_cannot_be_trained_on_is_skipped_counted_and_said(
    tokens, frames, durations, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = chosen(tokens, frames, durations)
    assert found.indices == (0,)
    assert caplog.messages == [f"1 of 2 utterances {reason} and are skipped (`u1`: 'text of u1')"]


def test_each_utterance_counts_under_one_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        chosen([[3], [], [UNKNOWN], [UNKNOWN], [4, 4]], [1, 0, 0, 0, 1], [1.0, 99.0, 99.0, 99.0, 1.0])
    assert [message[:6] for message in caplog.messages] == ["1 of 5", "2 of 5", "1 of 5"]


def test_nothing_left_is_an_error_that_says_why() -> None:
    with pytest.raises(DataError) as caught:
        chosen([[], [UNKNOWN]], [1, 1])
    message = str(caught.value)
    assert "none of 2 can" in message
    assert "1 have no text, such as `u0`" in message
    assert "1 have characters outside the vocabulary, such as `u1`" in message


def test_a_vocabulary_without_an_unknown_token_has_no_unknown_characters() -> None:
    found = trainable([utterance("a")], [[3]], np.array([5]), unknown=None, max_seconds=10.0, needed=ctc_frames)
    assert found.indices == (0,)
