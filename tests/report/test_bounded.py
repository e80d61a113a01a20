import json
import os

import pytest

from secateur.errors import DataError
from secateur.report import bounded
from secateur.report.bounded import present, read_lines, read_object


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"{", "must be JSON"),
        (b"\xff\xfe{}", "must be JSON"),
        (b"[1]", "holds a list"),
        (b"3", "holds a int"),
        (b"", "must be JSON"),
        (b"[" * 100_000, "must be JSON"),
    ],
)
def test_what_is_no_object_is_refused_with_a_sentence(tmp_path, content, fragment):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=fragment):
        read_object(path)


def test_an_object_beyond_the_bound_is_refused(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(b" " * (bounded.MAX_OBJECT_BYTES + 1))
    with pytest.raises(DataError, match="at most 16 MiB"):
        read_object(path)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_object(tmp_path / "none.json")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "log.jsonl")
    assert not present(tmp_path / "log.jsonl")
    assert read_lines(tmp_path / "log.jsonl").records == ()


def test_lines_that_hold_no_object_are_counted(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1}\n\n[1]\n\xff\n{"step": 2}\n{"step": 3, "lo')
    found = read_lines(path)
    assert [record["step"] for record in found.records] == [1, 2]
    assert (found.unreadable, found.cut) == (3, False)


def test_a_line_beyond_the_bound_is_one_unreadable_line(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded, "MAX_LINE_BYTES", 16)
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"text": "x" * 100}) + '\n{"step": 2}\n')
    found = read_lines(path)
    assert list(found.records) == [{"step": 2}]
    assert found.unreadable == 1


def test_a_file_of_too_many_lines_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded, "MAX_LINES", 2)
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n' * 3)
    found = read_lines(path)
    assert (len(found.records), found.cut) == (2, True)
