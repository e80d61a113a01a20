import re
from xml.etree import ElementTree

import pytest

from secateur.report.curves import Curve, Panel, Scale
from secateur.report.figures import Mark, draw_panel, draw_trade_off


def panel(*values: float, scale: Scale = "loss") -> Panel:
    return Panel(title="Loss", scale=scale, curves=(Curve(name="$\\frac<", points=tuple(enumerate(values))),))


def ids(svg: str) -> list[str]:
    return re.findall(r' id="([^"]+)"', svg)


def test_a_drawing_is_the_same_each_time():
    assert draw_panel(panel(3, 2, 1), name="a").svg == draw_panel(panel(3, 2, 1), name="a").svg


def test_a_drawing_is_well_formed_and_loads_nothing():
    svg = draw_panel(panel(3, 2, 1), name="a", stages=[1]).svg
    ElementTree.fromstring(svg)
    assert set(re.findall(r"https?://[^\"<\s]*", svg)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "metadata" not in svg
    assert set(re.findall(r'href="(.)', svg)) <= {"#"}


def test_a_drawing_wears_the_colours_of_the_page():
    svg = draw_panel(panel(3, 2, 1), name="a").svg
    assert "var(--c1)" in svg
    assert "var(--muted)" in svg
    assert "#0101" not in svg


def test_two_drawings_share_no_id():
    one, two = draw_panel(panel(3, 2, 1), name="a").svg, draw_panel(panel(3, 2, 1), name="b").svg
    assert ids(one)
    assert not set(ids(one)) & set(ids(two))
    for svg in (one, two):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(ids(svg))


def test_names_stay_out_of_the_drawing():
    chart = draw_panel(panel(1, 2), name="a")
    assert chart.legend == ("$\\frac<",)
    assert "frac" not in chart.svg


@pytest.mark.parametrize("values", [(5.0,), (0.0, 0.0), (1e-8, 1e8), (-3.0, 4.0), (1e300, 1e-300)])
@pytest.mark.parametrize("scale", ["loss", "share", "rate"])
def test_odd_numbers_can_be_drawn(values, scale):
    assert draw_panel(panel(*values, scale=scale), name="a").svg.startswith("<svg")


def test_the_trade_off_numbers_its_points():
    marks = [Mark(x=0.5, y=0.1, interval=(0.08, 0.12), label="1"), Mark(x=0.3, y=0.2, label="2")]
    svg = draw_trade_off(marks, name="t", dense=[Mark(x=1.0, y=0.09)]).svg
    assert [label for label in ("1", "2") if f">{label}</text>" in svg] == ["1", "2"]
