import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from browser import CHROMIUM, Numbers, leaves, opened
from secateur.report.outcomes import Outcomes
from secateur.report.sweep import as_markdown, compose_sweep, progress, render_sweep, sweep_table

HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}|`"


@pytest.fixture
def results(numbers: dict[str, Any]) -> list[dict[str, Any]]:
    """Four cells that are done, one beside the grid, one that failed."""
    made: list[dict[str, Any]] = []
    for criterion in ("magnitude", "taylor"):
        for kept in (0.5, 0.7):
            pruned = {**numbers["pruned"], "wer": (1 - kept) / (2 if criterion == "taylor" else 1)}
            axes = {"criterion": criterion, "target.params": kept}
            pruned["nonzero_params"] = round(kept * numbers["dense"]["nonzero_params"])
            made.append({"cell": f"{criterion}-params{kept}", "axes": axes, **numbers, "pruned": pruned})
    made.append({"cell": "chance", "axes": {}, **numbers, "pruned": {**numbers["pruned"], "wer": 0.9}})
    made.append({"cell": "taylor-params0.1", "axes": {"criterion": "taylor"}, "seed": 0, "error": "too\nsmall"})
    return made


def page_of(results: list[dict[str, Any]], **changed: Any) -> str:
    return compose_sweep("grid", results, **{"total": 7, "sweep": "grid: {}\n", **changed})


def test_the_numbers_on_the_page_are_those_of_the_reports(results: list[dict[str, Any]]) -> None:
    values = Numbers(page_of(results)).values
    assert set(values) == {"1", "2", "3", "4", "5"}
    for run, found in values.items():
        has = leaves(results[int(run) - 1])
        assert found == {key: has[key] for key in found}
        assert {"comparison.params", "comparison.macs", "pruned.wer", "comparison.p_value"} <= set(found)


def test_the_page_says_who_is_on_which_front(results: list[dict[str, Any]]) -> None:
    rows = re.findall(r'<tr data-run="(\d)">\n<th[^>]*>(.*?)</th>', page_of(results), re.DOTALL)
    told = {run: "on the front of size" in cell for run, cell in rows}
    assert told == {"1": False, "2": False, "3": True, "4": True, "5": False}


def test_the_page_tells_what_failed_and_how_far_it_is(results: list[dict[str, Any]]) -> None:
    page = page_of(results)
    assert "7 cells: 5 done, 1 failed, 1 to come." in page
    assert "<dt>taylor-params0.1</dt><dd>too\nsmall</dd>" in page
    assert "grey: beside the grid" in page
    assert "Colours: criterion" in page


def test_the_page_loads_nothing_and_links_only_to_its_own_cells(results: list[dict[str, Any]]) -> None:
    page = page_of(results, pages=["cells/magnitude-params0.5/report.html"])
    found = Numbers(page)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(found.tags)
    links = {value for name, value in found.attributes if name in ("src", "href", "xlink:href") and value[0] != "#"}
    assert links == {"cells/magnitude-params0.5/report.html"}
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_every_text_is_escaped(results: list[dict[str, Any]]) -> None:
    for result in results:
        result["cell"] = HOSTILE
        result["axes"] = {HOSTILE: f"{result['axes'].get('criterion')} {HOSTILE}"}
    results[-1]["error"] = HOSTILE
    page = compose_sweep(HOSTILE, results, total=7, sweep=HOSTILE)
    found = Numbers(page)
    assert not {"script", "img"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert found.tags.count("style") == 1 + found.tags.count("svg")
    written = as_markdown(HOSTILE, results, total=7)
    assert not re.search(r"(?<!\\)<", written)


def test_a_sweep_without_results_yet_is_a_page() -> None:
    page = page_of([])
    assert "7 cells: 0 done, 7 to come." in page
    assert not {"table", "svg"} & set(Numbers(page).tags)
    assert as_markdown("grid", [], total=7) == "# grid\n\n7 cells: 0 done, 7 to come.\n"


def test_the_table_has_a_row_per_cell_and_the_errors_beneath(results: list[dict[str, Any]]) -> None:
    lines = as_markdown("grid", results, total=7).splitlines()
    head = lines.index(
        "| cell | criterion | target.params | parameters | bytes | MACs | WER pruned | WER difference | speed-up |"
    )
    assert [line.split(" | ")[0] for line in lines[head + 2 : head + 7]] == [
        f"| {name}"
        for name in ("magnitude-params0.5", "magnitude-params0.7", "taylor-params0.5", "taylor-params0.7", "chance")
    ]
    assert lines[head + 6].startswith("| chance |  |  | ")
    assert lines[-1] == "- taylor-params0.1: too small"


def test_the_terminal_has_the_same_numbers(results: list[dict[str, Any]]) -> None:
    drawn = io.StringIO()
    Console(file=drawn, width=200).print(sweep_table(results))
    text = drawn.getvalue()
    assert all(result["cell"] in text for result in results[:-1])
    assert results[-1]["cell"] not in text
    assert "50.00\N{NO-BREAK SPACE}%" in text
    assert "Dense: WER 6.13" in text


def test_both_files_lie_beside_the_cells_and_link_to_pages_that_are_there(
    results: list[dict[str, Any]], tmp_path: Path
) -> None:
    there = tmp_path / "cells" / "taylor-params0.7"
    there.mkdir(parents=True)
    (there / "report.html").touch()
    render_sweep(tmp_path, results, total=7, sweep="")
    assert {path.name for path in tmp_path.iterdir()} == {"cells", "results.html", "results.md"}
    page = (tmp_path / "results.html").read_text()
    assert re.findall(r'href="([^"#]+)"', page) == ["cells/taylor-params0.7/report.html"]
    assert f"<h1>{tmp_path.name}</h1>" in page


def test_several_reports_of_a_cell_count_as_one_cell(results: list[dict[str, Any]]) -> None:
    assert "2 cells: 1 done, 1 to come." in page_of([results[0], results[0]], total=2)


def test_one_cell_is_told_in_the_singular() -> None:
    assert progress(Outcomes(), total=1) == "1 cell: 0 done, 1 to come."


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_opens_the_page_without_a_complaint(results: list[dict[str, Any]], tmp_path: Path) -> None:
    render_sweep(tmp_path / "grid", results, total=7, sweep="grid: {}")
    document, complaints = opened(tmp_path / "grid" / "results.html", tmp_path / "profile")
    assert complaints == []
    assert Numbers(document).values["2"]["pruned.wer"] == results[1]["pruned"]["wer"]
