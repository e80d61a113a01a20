from typing import Any

import pytest
from rich.console import Console

from secateur.cli.decoded import COLUMNS, decoded_tables

RATES: dict[str, Any] = {"wer": 0.25, "wer_ci95": [0.2, 0.3], "cer": 0.1}


def language(**more: Any) -> dict[str, Any]:
    against = {"wer_difference": -0.05, "p_value": 0.0123}
    return {
        **RATES,
        "use": "rescoring",
        "lm": "runs/lm",
        "lm_weight": 0.5,
        "word_bonus": 1.0,
        "against_no_lm": against,
        **more,
    }


def report(**more: Any) -> dict[str, Any]:
    return {
        "model": "runs/asr",
        **RATES,
        "greedy": {**RATES, "wer": 0.26},
        "oracle": {**RATES, "wer": 0.1},
        "nbest": 20,
        **more,
    }


def shown(fields: dict[str, Any]) -> list[list[list[str]]]:
    """Every table, every row, every cell."""
    tables = list(decoded_tables(fields))
    return [[list(row) for row in zip(*(column._cells for column in table.columns), strict=True)] for table in tables]


def test_without_a_language_model_greedy_beam_and_oracle_stand_below_each_other() -> None:
    [rows] = shown(report())
    assert [row[:3] for row in rows] == [
        ["greedy", "all", "26.00%"],
        ["beam", "all", "25.00%"],
        ["oracle of 20", "all", "10.00%"],
    ]
    assert rows[0][3:5] == ["20.00% to 30.00%", "10.00%"]


def test_a_language_model_has_its_weights_its_time_and_its_test() -> None:
    [rows] = shown(report(lms=[language(seconds_per_hypothesis=0.0021), language(use="fusion", lm="words.arpa")]))
    first, second = rows[2], rows[3]
    assert first == ["rescoring by runs/lm", "all", *rows[1][2:5], "0.50", "+1.00", "2.10 ms", "-5.00", "0.0123"]
    assert second[0] == "fusion by words.arpa"
    assert second[7] == ""  # time within a search is not told
    assert len(first) == len(COLUMNS)


def test_sets_stand_below_the_whole_without_weights() -> None:
    sets = {"easy": {**RATES, "wer": 0.01}}
    [rows] = shown(report(sets=sets, lms=[language(sets=sets)]))
    assert [row[:3] for row in rows if row[1] == "easy"] == [
        ["beam", "easy", "1.00%"],
        ["rescoring by runs/lm", "easy", "1.00%"],
    ]
    assert all(not any(row[5:]) for row in rows if row[1] == "easy")


@pytest.mark.parametrize(
    ("lms", "caption"),
    [
        (None, None),
        ([language(tuned_on=["a.jsonl", "b.jsonl"])], "LM weight and word bonus tuned on a.jsonl, b.jsonl"),
        ([language()], "LM weight and word bonus as given"),
    ],
)
def test_it_is_said_where_the_weights_come_from(lms: Any, caption: str | None) -> None:
    [table] = decoded_tables(report(**({"lms": lms} if lms else {})))
    assert table.caption == caption


def test_a_second_recognizer_has_a_table_of_its_own() -> None:
    tables = list(decoded_tables(report(against=report(model="runs/dense"))))
    assert [table.title for table in tables] == ["runs/asr", "runs/dense"]
    console = Console(width=200, record=True, file=None)
    with console.capture() as captured:
        console.print(*tables)
    assert "runs/dense" in captured.get()
