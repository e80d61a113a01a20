import os
from pathlib import Path

import pytest

from secateur.jobs.once import Once

SETS = {"one": ("a.jsonl",), "two": ("b.jsonl", "c.jsonl")}


class Counting:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, dict[str, tuple[str, ...]]]:
    model = tmp_path / "model"
    (model / "inner").mkdir(parents=True)
    (model / "config.json").write_text("{}")
    sets = {name: tuple(str(tmp_path / path) for path in paths) for name, paths in SETS.items()}
    for paths in sets.values():
        for path in paths:
            Path(path).write_text("x")
    return model, sets


def test_the_same_files_are_looked_at_once(files: tuple[Path, dict[str, tuple[str, ...]]]) -> None:
    judge, once = Counting(), Once[int]()
    assert [once(*files, judge) for _ in range(3)] == [1, 1, 1]


def test_whatever_changes_is_looked_at_anew(files: tuple[Path, dict[str, tuple[str, ...]]]) -> None:
    (model, sets), judge, once = files, Counting(), Once[int]()
    once(model, sets, judge)
    (model / "config.json").write_text('{"a": 1}')
    assert once(model, sets, judge) == 2
    os.utime(sets["two"][1], ns=(0, 0))
    assert once(model, sets, judge) == 3
    assert once(model, {"one": sets["one"]}, judge) == 4
    assert once(model, {"uno": sets["one"]}, judge) == 5
    assert once(model, sets, judge) == 6  # one is remembered, not all
    assert once(model, sets, judge, 20) == 7
    assert once(model, sets, judge, 20) == 7


def test_another_model_is_looked_at_anew(files: tuple[Path, dict[str, tuple[str, ...]]], tmp_path: Path) -> None:
    (model, sets), judge, once = files, Counting(), Once[int]()
    once(model, sets, judge)
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{}")
    assert once(other, sets, judge) == 2


def test_as_many_are_remembered_as_are_to_be_the_latest(files: tuple[Path, dict[str, tuple[str, ...]]]) -> None:
    judge, two = Counting(), Once[int](2)
    assert [two(*files, judge, nbest) for nbest in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 4]


def test_what_fails_is_not_remembered(files: tuple[Path, dict[str, tuple[str, ...]]]) -> None:
    def fail() -> int:
        raise ValueError("no")

    once = Once[int]()
    with pytest.raises(ValueError, match="no"):
        once(*files, fail)
    assert once(*files, Counting()) == 1
