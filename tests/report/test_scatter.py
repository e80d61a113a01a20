import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from secateur.report.figures import Mark
from secateur.report.scatter import MAX_SERIES, Scatter, draw_scatter


def scatter(**changed: object) -> Scatter:
    marks = [Mark(x=0.5, y=0.2, interval=(0.1, 0.3), label="1"), Mark(x=0.7, y=0.1, label="2")]
    parts: dict[str, object] = {"title": "WER by size", "series": {"taylor": marks}, "shares": True}
    return Scatter(**{**parts, **changed})  # type: ignore[arg-type]


def colours(svg: str) -> set[str]:
    return set(re.findall(r"var\((--c\d)\)", svg))


def test_each_series_has_its_colour_and_its_name_in_the_legend() -> None:
    series = {f"s{n}": [Mark(x=n / 10, y=0.1)] for n in range(MAX_SERIES)}
    chart = draw_scatter(scatter(series=series), name="a")
    assert chart.legend == tuple(series)
    assert colours(chart.svg) == {f"--c{n + 1}" for n in range(MAX_SERIES)}


def test_points_outside_of_every_series_have_no_colour() -> None:
    chart = draw_scatter(scatter(series={}, others=[Mark(x=0.5, y=0.1)], dense=[Mark(x=1.0, y=0.1)]), name="a")
    assert colours(chart.svg) == set()
    assert chart.legend == ()


def longest_path(svg: str) -> list[tuple[str, str]]:
    return max((re.findall(r"[ML] ([\d.]+) ([\d.]+)", path) for path in re.findall(r'<path d="([^"]+)"', svg)), key=len)


def test_the_front_is_drawn_in_stairs() -> None:
    front = [(0.5, 0.3), (0.6, 0.2), (0.9, 0.1)]
    stairs = longest_path(draw_scatter(scatter(series={}, front=front), name="a").svg)
    assert len(stairs) == 2 * len(front) - 1
    assert all((here[0] == there[0]) != (here[1] == there[1]) for here, there in pairwise(stairs))


def test_one_point_alone_makes_no_stairs() -> None:
    drawn, bare = (draw_scatter(scatter(series={}, front=front), name="a").svg for front in ([(0.5, 0.3)], []))
    assert longest_path(drawn) == longest_path(bare)


def test_points_have_their_labels_and_shares_their_per_cent() -> None:
    svg = draw_scatter(scatter(), name="a").svg
    assert ">1</text>" in svg
    assert re.search(r">20 %</text>", svg)


def test_perplexities_that_span_a_wide_range_are_drawn_logarithmically() -> None:
    wide = [Mark(x=0.1, y=10_000.0), Mark(x=0.5, y=20.0)]
    svg = draw_scatter(scatter(series={"a": wide}, shares=False), name="a").svg
    assert {">100</text>", ">1000</text>"} <= set(re.findall(r">\d+</text>", svg))


@pytest.mark.parametrize("values", [(0.0, 0.0), (1e-8, 1e8), (1e300, 1e-300)])
@pytest.mark.parametrize("shares", [True, False])
def test_odd_numbers_can_be_drawn(values: tuple[float, float], shares: bool) -> None:
    marks = [Mark(x=0.5, y=value) for value in values]
    svg = draw_scatter(scatter(series={"a": marks}, shares=shares), name="a").svg
    ElementTree.fromstring(svg)


def test_the_same_points_make_the_same_drawing() -> None:
    assert draw_scatter(scatter(), name="a").svg == draw_scatter(scatter(), name="a").svg
