import json
from pathlib import Path

import pytest

from secateur.runtime import answers as module
from secateur.runtime.answers import Question, answers, file, machine, remember


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECATEUR_CACHE", str(tmp_path))
    return tmp_path


def test_what_is_remembered_is_answered_for_as_many_threads(folder: Path) -> None:
    remember({"one": 1.0}, 1)
    remember({"two": 2.0}, 1)
    remember({"one": 0.5}, 2)
    assert answers(1) == {"one": 1.0, "two": 2.0}
    assert answers(2) == {"one": 0.5}
    assert answers(3) == {}
    assert file().is_relative_to(folder)
    assert [path.name for path in file().parent.iterdir()] == ["measured.json"]


def test_a_person_can_read_it() -> None:
    remember({str(Question("16x4 int8", 16, 64, 0.8, 4)): 1e-5}, 1)
    assert json.loads(file().read_text()) == {machine(1): {"16x4 int8, 16 x 64, 80 % skipped, 4 tokens": 1e-5}}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a": 1}', '{"a": {"b": "c"}}', '{"a": {"b": NaN}}', '{"a": {"b": -1.0}}', "\x00"]
)
def test_a_damaged_file_is_ignored_and_written_anew(text: str) -> None:
    file().parent.mkdir(parents=True)
    file().write_text(text)
    assert answers(1) == {}
    remember({"one": 1.0}, 1)
    assert answers(1) == {"one": 1.0}


def test_other_kernels_have_other_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    remember({"one": 1.0}, 1)
    monkeypatch.setattr(module, "sources", lambda: "other")
    assert answers(1) == {}
    monkeypatch.undo()


@pytest.mark.parametrize(("share", "name"), [(0.0, "0"), (0.774, "75"), (0.776, "80"), (1.0, "100")])
def test_shares_are_rounded_to_a_twentieth(share: float, name: str) -> None:
    assert f" {name} % skipped" in str(Question("mask int8", 1, 1, share, 1))
