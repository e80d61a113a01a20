from typing import Any

import pytest

from secateur.report.trades import LABELLED, latency_kept, size_kept, trades


def report(kept: float, wer: float, *, speedup: float | None = None, judged: str = "wer") -> dict[str, Any]:
    comparison = {"speedup": {"median": speedup}} if speedup else {}
    return {
        "dense": {"nonzero_params": 1000, judged: 0.05},
        "pruned": {"nonzero_params": round(1000 * kept), judged: wer, f"{judged}_ci95": [wer - 0.01, wer + 0.01]},
        "comparison": comparison,
    }


def test_each_cost_has_its_chart_and_its_front() -> None:
    reports = [report(0.5, 0.2, speedup=2.0), report(0.7, 0.1, speedup=1.0), report(0.6, 0.3, speedup=4.0)]
    size, latency = trades(reports, series=[None] * 3)
    assert (size.cost, size.front) == ("size", (0, 1))
    assert (latency.cost, latency.front) == ("latency", (2, 0, 1))
    assert size.chart.title == "WER by parameters that are not zero"


def test_a_hair_smaller_and_worse_is_not_on_the_front() -> None:
    dense = {"nonzero_params": 1_000_000, "wer": 0.05}
    sizes = [(500_400, 0.1), (500_100, 0.2), (490_000, 0.3)]
    reports = [{"dense": dense, "pruned": {"nonzero_params": n, "wer": wer}} for n, wer in sizes]
    (size,) = trades(reports, series=[None] * 3)
    assert size.front == (2, 0)


def test_what_was_not_timed_or_judged_has_no_point() -> None:
    reports = [report(0.5, 0.2, speedup=2.0), {"pruned": {}}, report(0.7, 0.1)]
    (size,) = trades(reports, series=[None] * 3)
    assert size.front == (0, 2)
    assert ">3</text>" in size.chart.svg


@pytest.mark.parametrize("reports", [[], [report(0.5, 0.1, speedup=1.5)], [{}, {}, {}]])
def test_one_point_alone_is_no_chart(reports: list[dict[str, Any]]) -> None:
    assert trades(reports, series=[None] * len(reports)) == ()


def test_language_models_are_told_by_their_perplexity() -> None:
    reports = [report(kept, 100 * kept, judged="perplexity") for kept in (0.5, 0.7)]
    (size,) = trades(reports, series=[None, None])
    assert size.chart.title == "Perplexity by parameters that are not zero"
    assert size.front == (0,)


def test_a_crowd_of_points_is_numbered_on_the_front_alone() -> None:
    reports = [report(kept / 100, 1 - kept / 100) for kept in range(10, 10 + LABELLED)]
    crowd = [*reports, report(0.9, 0.95)]
    (few,), (many,) = (trades(some, series=[None] * len(some)) for some in ([*reports[:-1], crowd[-1]], crowd))
    assert few.chart.svg.count("</text>") - many.chart.svg.count("</text>") == 0
    assert f">{len(crowd)}</text>" not in many.chart.svg
    assert f">{LABELLED}</text>" in few.chart.svg


def test_series_have_names_and_what_has_none_is_beside_them() -> None:
    reports = [report(0.5, 0.2), report(0.7, 0.1), report(0.6, 0.3)]
    (size,) = trades(reports, series=["taylor", "random", None])
    assert size.chart.legend == ("taylor", "random")


def test_zeros_count_as_gone_where_they_were_counted() -> None:
    element = {"dense": {"nonzero_params": 10}, "pruned": {"nonzero_params": 2}, "comparison": {"params": 1.0}}
    assert size_kept(element) == 0.2
    assert size_kept({"comparison": {"params": 0.5}}) == 0.5
    assert size_kept({}) is None


def test_latency_is_told_against_the_dense_model() -> None:
    assert latency_kept({"comparison": {"speedup": {"median": 4.0}}}) == 0.25
    assert latency_kept({"comparison": {"speedup": {"median": 0.0}}}) is None
    assert latency_kept({}) is None
