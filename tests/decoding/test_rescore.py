from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

from secateur.decoding import Candidates, NBest, Scored, Scorer, Weights, score_lists, tune
from secateur.decoding import rescore as module
from secateur.decoding.rescore import BONUSES, LM_WEIGHTS, Rescored

LISTS = [
    NBest(("a b", "a", "b b b"), np.array([-1.0, -1.5, -3.0])),
    NBest(("a",), np.array([-0.1])),
    NBest(("b", "a b"), np.array([-1.0, -1.2])),
]


def per_letter(texts: Sequence[str]) -> Scored:
    """One nat per a, two per b, and one for the end."""
    begun = np.array([-1.0 * text.count("a") - 2.0 * text.count("b") for text in texts])
    return Scored(begun, begun - 1, np.array([len(text.split()) for text in texts]))


class Reader(NamedTuple):
    scorer: Scorer
    faster: Callable[[], AbstractContextManager[None]] = nullcontext


def scored(scorer: Scorer = per_letter) -> Rescored:
    [found] = score_lists(LISTS, [Reader(scorer)])
    return found


def candidates(sound: Sequence[float], language: Sequence[float], words: Sequence[int]) -> Candidates:
    texts = tuple("abcdefgh"[: len(sound)])
    return Candidates(texts, np.array(sound), np.array(language), np.array(words))


def test_every_text_gets_its_score_and_its_words() -> None:
    found = scored().candidates
    assert [one.texts for one in found] == [one.texts for one in LISTS]
    assert [one.sound.tolist() for one in found] == [one.scores.tolist() for one in LISTS]
    assert [one.language.tolist() for one in found] == [[-4.0, -2.0, -7.0], [-2.0], [-3.0, -4.0]]
    assert [one.words.tolist() for one in found] == [[2, 1, 3], [1], [1, 2]]


def test_a_text_in_several_lists_is_scored_once_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    asked: list[list[str]] = []

    def scorer(texts: Sequence[str]) -> Scored:
        asked.append(list(texts))
        return per_letter(texts)

    found = scored(scorer)
    assert asked == [["a", "b", "a b"], ["b b b"]]
    assert found.candidates[0].language.tolist() == [-4.0, -2.0, -7.0]


def test_seconds_are_the_median_over_batches_of_those_per_text(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 6.0, 10.0, 10.5])
    monkeypatch.setattr(module, "BATCH", 3)
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    assert scored().seconds_per_hypothesis == pytest.approx((6.0 / 3 + 0.5 / 1) / 2)


def test_what_is_not_timed_is_scored_where_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    monkeypatch.setattr(module, "TIMED", 2)
    asked: list[tuple[str, bool]] = []
    inside = False

    @contextmanager
    def faster() -> Generator[None]:
        nonlocal inside
        inside = True
        yield
        inside = False

    def scorer(texts: Sequence[str]) -> Scored:
        asked.extend((text, inside) for text in texts)
        return per_letter(texts)

    [found] = score_lists(LISTS, [Reader(scorer, faster)])
    assert asked == [("a", False), ("a b", False), ("b", True), ("b b b", True)]
    assert [one.language.tolist() for one in found.candidates] == [[-4.0, -2.0, -7.0], [-2.0], [-3.0, -4.0]]


def test_readers_are_timed_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    monkeypatch.setattr(module, "TIMED", 2)
    asked: list[tuple[str, str]] = []

    def reader(name: str, nats: float) -> Reader:
        def scorer(texts: Sequence[str]) -> Scored:
            asked.extend((name, text) for text in texts)
            found = per_letter(texts)
            return Scored(nats * found.begun, nats * found.ended, found.words)

        return Reader(scorer)

    once, twice = score_lists(LISTS, [reader("once", 1.0), reader("twice", 2.0)])
    assert asked[:4] == [("once", "a"), ("twice", "a"), ("once", "a b"), ("twice", "a b")]
    assert asked[4:] == [("once", "b"), ("once", "b b b"), ("twice", "b"), ("twice", "b b b")]
    for one, other in zip(once.candidates, twice.candidates, strict=True):
        assert (2.0 * one.language).tolist() == other.language.tolist()


@pytest.mark.parametrize(
    ("weights", "best"),
    [
        (Weights(0.0, 0.0), "a b"),  # -1 against -1.5 and -3
        (Weights(1.0, 0.0), "a"),  # -5 against -3.5 and -10
        (Weights(1.0, 2.0), "a b"),  # -1 against -1.5 and -4
        (Weights(0.0, 3.0), "b b b"),  # 5 against 1.5 and 6
    ],
)
def test_the_best_text_has_the_highest_sum(weights: Weights, best: str) -> None:
    assert scored().candidates[0].best(weights) == best


def test_of_equals_the_likelier_sound_wins() -> None:
    assert candidates([-1.0, -2.0], [-2.0, -1.0], [1, 1]).best(Weights(1.0, 0.0)) == "a"


def test_tuned_weights_make_the_fewest_errors_of_the_grid() -> None:
    random = np.random.default_rng(0)
    lists, edits = [], []
    for _ in range(12):
        n = int(random.integers(1, 8))
        sound = -np.sort(random.exponential(2, n))
        lists.append(candidates(sound.tolist(), (-random.exponential(4, n)).tolist(), random.integers(0, 5, n)))
        edits.append(random.integers(0, 4, n))

    def errors(weights: Weights) -> int:
        return sum(int(wrong["abcdefgh".index(one.best(weights))]) for one, wrong in zip(lists, edits, strict=True))

    every = {(lm, bonus): errors(Weights(lm, bonus)) for lm, bonus in product(LM_WEIGHTS.tolist(), BONUSES.tolist())}
    found = tune(lists, edits)
    fewest = min(every.values())
    assert fewest < every[0.0, 0.0]
    smallest = min((lm, abs(bonus)) for (lm, bonus), wrong in every.items() if wrong == fewest)
    assert (found.lm, abs(found.bonus)) == smallest


def test_a_language_model_that_helps_nothing_gets_no_weight() -> None:
    lists = [candidates([-1.0, -9.0], [-9.0, -1.0], [1, 1])]
    assert tune(lists, [np.array([0, 1])]) == Weights(0.0, 0.0)
