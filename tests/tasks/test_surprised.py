import json
from pathlib import Path

import numpy as np
import pytest

from secateur.evaluation import Surprise
from secateur.tasks.surprised import COUNTED, Surprised, TextSet, write_surprise


def surprise_of(nats: list[float], words: list[int]) -> Surprise:
    return Surprise(
        nats=np.array(nats), end_nats=np.array(nats) / 2, tokens=2 * np.array(words), words=np.array(words), unknown=1
    )


def test_perplexity_pools_the_words_of_all_sets() -> None:
    found = Surprised({"a": surprise_of([2.0, 4.0], [1, 2]), "b": surprise_of([6.0], [3])}).measures()
    assert found["perplexity"] == pytest.approx(np.exp(12 / 6))
    assert found["perplexity_per_token"] == pytest.approx(np.exp(12 / 12))
    assert found["sets"]["b"]["perplexity"] == pytest.approx(np.exp(6 / 3))
    assert (found["sentences"], found["words"], found["tokens"], found["unknown_tokens"]) == (3, 6, 12, 2)
    low, high = found["perplexity_ci95"]
    assert low <= found["perplexity"] <= high


def test_a_single_set_is_not_repeated_and_no_set_gives_nothing() -> None:
    assert "sets" not in Surprised({"a": surprise_of([2.0], [1])}).measures()
    empty = Surprised({})
    assert (empty.measures(), empty.notes(), empty.compared(empty)) == ({}, {}, {})
    assert Surprised({"a": surprise_of([2.0], [1])}).notes() == {"perplexity_counted": COUNTED}


def test_a_comparison_is_the_ratio_of_perplexities() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(2, 9, 200).tolist()
    nats = [5.0 * n + float(e) for n, e in zip(words, rng.normal(size=200), strict=True)]
    worse = [value + 0.1 * n for value, n in zip(nats, words, strict=True)]
    found = Surprised({"a": surprise_of(worse, words)}).compared(Surprised({"a": surprise_of(nats, words)}))
    assert found["perplexity_ratio"] == pytest.approx(np.exp(0.1))
    assert found["perplexity_ratio_ci95"] == pytest.approx([np.exp(0.1)] * 2)
    assert found["p_value"] < 0.001
    same = Surprised({"a": surprise_of(nats, words)})
    assert same.compared(same)["p_value"] == 1.0


def test_what_each_sentence_cost_each_model_is_written_in_their_order(tmp_path: Path) -> None:
    sets = [TextSet("a", ("one two", "three")), TextSet("b", ("four",))]
    dense, pruned = (
        Surprised({"a": surprise_of([2.0 * by, 4.0 * by], [3, 2]), "b": surprise_of([6.0 * by], [2])}) for by in (1, 3)
    )
    write_surprise(tmp_path / "s.jsonl", sets, {"dense": dense, "pruned": pruned})
    assert [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()] == [
        {"set": "a", "words": 3, "dense": 2.0, "pruned": 6.0},
        {"set": "a", "words": 2, "dense": 4.0, "pruned": 12.0},
        {"set": "b", "words": 2, "dense": 6.0, "pruned": 18.0},
    ]
