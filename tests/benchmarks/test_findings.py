from typing import Any

import numpy as np
import pytest

from benchmarks import findings

WORDS = [10] * 40
SIZES = dict.fromkeys(("params", "embedding_params", "bytes", "macs_per_token"), 1)
NOISE = np.random.default_rng(0).normal(scale=0.5, size=40)


def cell(nats_per_word: float, *, seed: int = 0, wrong: int | None = None, **axes: Any) -> dict[str, Any]:
    """A language model's result: so many nats for each word, with noise that all share, and so many wrong words."""
    nats = (nats_per_word * np.array(WORDS) + NOISE).tolist()
    rescored = {"pruned": {"word_edits": [wrong] * 20, "word_counts": [5] * 20}} if wrong is not None else {}
    return {
        "axes": {findings.METHOD: "structured", findings.SCHEDULE: "one-shot", **axes},
        "seed": seed,
        "dense": {**SIZES, "perplexity": float(np.exp(sum(nats) / sum(WORDS)))},
        "seconds": {"train": 1.0},
        "nats": {"a": {"nats": nats[:30], "words": WORDS[:30]}, "b": {"nats": nats[30:], "words": WORDS[30:]}},
        **({"rescored": rescored} if rescored else {}),
    }


def test_a_row_is_tested_against_another_on_the_same_text_and_utterances() -> None:
    found = findings.against([cell(2.0, wrong=1)], [cell(2.1, wrong=2)])
    assert found["ratio"] == pytest.approx(np.exp(-0.1))
    assert found["ratio_ci95"] == pytest.approx([np.exp(-0.1)] * 2)
    assert found["p_value"] < 0.001
    assert found["wer_difference"] == pytest.approx(-0.2)
    assert found["wer_p"] < 0.001


def test_only_the_seeds_that_both_have_are_compared() -> None:
    ours, base = [cell(2.0), cell(9.0, seed=1)], [cell(2.1), cell(0.0, seed=2)]
    assert findings.against(ours, base)["ratio"] == pytest.approx(np.exp(-0.1))
    unkept = [[{**one, "nats": {}} for one in rows] for rows in (ours, base)]
    assert findings.against(*unkept)["ratio"] == pytest.approx(np.exp(-0.1))
    both = findings.against([cell(2.0), cell(2.2, seed=1)], [cell(2.1), cell(2.3, seed=1)])
    assert both["ratio"] == pytest.approx(np.exp(-0.1))


def test_rows_without_a_seed_in_common_are_not_compared() -> None:
    assert findings.against([cell(5.0, seed=2)], [cell(5.0, seed=0)]) == {}


def test_where_sums_were_not_kept_the_ratio_stands_alone() -> None:
    one, other = ({**cell(nats), "nats": {}} for nats in (2.0, 2.1))
    found = findings.against([one], [other])
    assert list(found) == ["seeds_compared", "ratio"]
    assert found["ratio"] == pytest.approx(np.exp(-0.1))


def test_findings_count_who_is_ahead_and_who_is_behind() -> None:
    def grid(schedule: str, criterion: str, nats: float) -> dict[str, list[dict[str, Any]]]:
        axes = {findings.SCHEDULE: schedule, findings.CRITERION: criterion, findings.SIZE: 0.5}
        return {f"{schedule} {criterion}": [cell(nats, **axes)]}

    rows = {
        **grid("one-shot", "magnitude", 2.2),
        **grid("one-shot", "taylor", 2.0),
        **grid("incremental", "magnitude", 2.1),
        **grid("incremental", "taylor", 2.3),
        "scratch-0.5": [{**cell(2.5), "axes": {}}],
    }
    found = findings.all_of(rows)

    driven, at_once = found["data-driven against magnitude"], found["incremental over one-shot"]
    assert (driven["scenarios"], driven["tested"], driven["ahead"], driven["behind"]) == (2, 2, 1, 1)
    assert (at_once["scenarios"], at_once["ahead"], at_once["behind"]) == (2, 1, 1)
    [best] = found["best over as small from scratch"]
    assert (best[findings.SCHEDULE], best[findings.CRITERION]) == ("one-shot", "taylor")
    assert best["ratio"] == pytest.approx(np.exp(-0.5))


def test_rows_are_compared_where_they_stand_alike_on_every_other_axis() -> None:
    def row(schedule: str, steps: int, nats: float) -> list[dict[str, Any]]:
        axes = {findings.SCHEDULE: schedule, findings.CRITERION: "taylor", findings.SIZE: 0.5, "steps": steps}
        return [cell(nats, **axes)]

    rows = {
        "a": row("one-shot", 10, 2.0),
        "b": row("incremental", 10, 2.1),
        "c": row("one-shot", 90, 1.9),
        "d": row("incremental", 90, 1.8),
    }
    found = findings.all_of(rows)["incremental over one-shot"]
    assert [(one["steps"], one["ratio"]) for one in found["each"]] == [
        (10, pytest.approx(np.exp(0.1))),
        (90, pytest.approx(np.exp(-0.1))),
    ]
