import json
import re
from pathlib import Path

import pytest

from browser import CHROMIUM, Numbers, leaves, opened
from secateur.errors import DataError
from secateur.report import render
from secateur.report.load import load
from secateur.report.page import compose

HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}"


def read(folder: Path) -> str:
    return render([folder]).read_text(encoding="utf-8")


def check_numbers(found: dict[str, float], report: dict) -> None:
    """What the page shows is what the report has, and nothing that matters is missing."""
    has = leaves(report)
    assert found == {key: has[key] for key in found}
    for part in ("dense", "pruned", "comparison", "target", "seconds"):
        missing = {key for key in leaves(report[part], part) if key not in found}
        # `latency` repeats one of `latencies`; how much was timed and counted is told in words.
        told = re.compile(r"\.latency\.|\.(threads|audio_seconds|utterances|words)$")
        assert {key for key in missing if not told.search(key)} == set()


def test_the_numbers_on_the_page_are_those_of_the_report(make_run, numbers):
    check_numbers(Numbers(read(make_run())).values["1"], numbers)


def test_the_page_of_several_runs_tells_their_numbers_apart(make_run, numbers, tmp_path):
    other = {**numbers, "pruned": {**numbers["pruned"], "wer": 0.25}}
    page = render([make_run("a"), make_run("b", report=other)], out=tmp_path / "new" / "both.html")
    values = Numbers(page.read_text(encoding="utf-8")).values
    assert page == tmp_path / "new" / "both.html"
    check_numbers(values["1"], numbers)
    check_numbers(values["2"], other)


def test_the_page_lies_in_the_run_or_beside_the_runs(make_run):
    one, two = make_run("a"), make_run("b")
    assert render([one]) == one / "report.html"
    assert render([one, two]) == one.parent / "report.html"
    assert not list(one.parent.rglob("*.part"))


def test_a_folder_of_several_sizes_shows_them_all_the_largest_first(make_run, numbers):
    for name, kept in {"small": 0.25, "large": 0.8, "middle": 0.5}.items():
        make_run(f"family/sizes/{name}", report={**numbers, "target": {**numbers["target"], "kept": kept}})
    family = make_run("other").parent / "family"
    assert render([family]) == family / "report.html"
    values = Numbers(read(family)).values
    assert [values[number]["target.kept"] for number in ("1", "2", "3")] == [0.8, 0.5, 0.25]


def test_the_page_loads_nothing_from_elsewhere(make_run):
    page = read(make_run())
    found = Numbers(page)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(found.tags)
    loads = {"src", "href", "xlink:href", "srcset", "poster", "data", "action"}
    assert {value[:1] for name, value in found.attributes if name in loads} <= {"#"}
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    assert "@import" not in page


def test_no_id_is_there_twice(make_run):
    page = compose([load(make_run("a")), load(make_run("b"))])
    ids = [value for name, value in Numbers(page).attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_every_text_is_escaped(make_run, numbers):
    numbers["recipe"]["model"] = numbers["command"] = numbers["device"]["cpu"] = numbers["target"]["of"] = HOSTILE
    numbers["dense"]["sets"] = {HOSTILE: {"wer": 0.5}}
    numbers["dense"]["latencies"][0]["runtime"] = numbers["device"][HOSTILE] = HOSTILE
    sites = [{"name": f"{HOSTILE}.0.{HOSTILE}:{HOSTILE}", "units": 4, "kept": [1]}]
    sites.append({"name": f"e.layers.0.{HOSTILE}:x", "units": 4, "kept": []})
    texts = dict.fromkeys(("id", "set", "reference", "dense"), HOSTILE)
    folder = make_run(
        HOSTILE.replace("/", "_"),
        report=numbers,
        plan={"schema": 1, "sites": sites},
        log=[{"step": 1, f"loss_{HOSTILE}": 1.0, "loss": 1, "stage": HOSTILE}, {"step": 2, "stage": "x"}],
        transcripts=[{**texts, "pruned": f"{HOSTILE} more"}],
    )
    found = Numbers(read(folder))
    assert not {"script", "img"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert found.tags.count("style") == 1 + found.tags.count("svg")
    assert "49" not in re.findall(r"onerror.{0,40}", read(folder))


def test_a_report_of_nothing_still_makes_a_page(make_run):
    page = read(make_run(report={"schema": 1}, plan=None, log=None, transcripts=None))
    assert "not recorded" in page
    assert "data-key" not in page


@pytest.mark.parametrize("side", ["dense", "pruned"])
def test_a_page_of_a_language_model_transcribes_nothing(side, make_run):
    told = "What is transcribed differently"
    assert told not in read(make_run("lm", report={"schema": 1, side: {"perplexity": 60.0}}))
    assert told in read(make_run("asr", report={"schema": 1, side: {"wer": 0.1}}))


def test_missing_keys_leave_their_rows_out(make_run, numbers):
    for key in ("wer", "latency", "latencies", "rtf", "sets", "peak_rss_bytes"):
        numbers["pruned"].pop(key)
    del numbers["comparison"], numbers["target"], numbers["recipe"]
    values = Numbers(read(make_run(report=numbers))).values["1"]
    assert values["dense.wer"] == 0.0613
    assert "pruned.wer" not in values


def test_a_page_shows_all_blocks_of_a_deep_model(make_run):
    page = read(make_run(layers=24))
    rows = re.findall(r'<th scope="row">(\d+)</th>', page)
    assert rows == [str(block) for block in range(24)]
    assert "removed" in page


def test_what_could_not_be_read_is_told(make_run):
    folder = make_run()
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"step": 9')
    assert "Lines of log.jsonl that could not be read: 1." in read(folder)


def test_changed_utterances_are_marked_and_the_rest_counted(make_run):
    line = {"reference": "one two", "dense": "one two", "pruned": "one too"}
    page = read(make_run(transcripts=[{**line, "id": str(index)} for index in range(205)]))
    assert page.count("one <del>two</del> <ins>too</ins>") == 200
    assert "5 more changed and are not shown" in page
    assert "205 utterances got worse, 0 better" in page


def test_half_a_character_does_not_stop_the_page(make_run, numbers):
    numbers["command"] = "broken \ud800"
    assert "broken ?" in read(make_run(report=numbers))


def test_the_same_run_gives_the_same_page(make_run):
    run = load(make_run())
    assert compose([run]) == compose([run])


def test_no_folder_is_a_wrong_request():
    with pytest.raises(DataError, match="at least one run folder"):
        render([])


def test_a_page_that_cannot_be_written_is_a_sentence(make_run):
    folder = make_run()
    with pytest.raises(DataError, match="must be a file that can be written"):
        render([folder], out=folder)
    with pytest.raises(DataError, match="must be a file that can be written"):
        render([folder], out=folder / "report.json" / "page.html")
    assert not list(folder.parent.rglob("*.part"))


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_opens_the_page_without_a_complaint(make_run, numbers, tmp_path):
    page = render([make_run(layers=24)])
    document, complaints = opened(page, tmp_path / "profile")
    assert complaints == []
    check_numbers(Numbers(document).values["1"], json.loads(json.dumps(numbers)))
