import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from benchmarks.cells import Task
from benchmarks.together import Begun, one_by_one, together


class Kind:
    """Two stages of tasks that touch a file each; the last task may wait for another experiment."""

    def __init__(self, folder: Path, *, broken: bool = False, needs: frozenset[str] = frozenset()) -> None:
        self.folder, self.broken, self.needs = folder, broken, needs

    def stages(self, name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
        first = partial(os.listdir, self.folder / "nowhere") if self.broken else self._touch(f"{name} first")
        yield [Task(f"{name} first", first), Task(f"{name} second", self._touch(f"{name} second"))]
        yield [Task(f"{name} last", self._touch(f"{name} last"), self.needs)]

    def _touch(self, label: str) -> partial[None]:
        return partial(Path.touch, self.folder / label)

    def summarize(self, name: str, experiment: Mapping[str, Any]) -> None:
        (self.folder / f"{name} summary").write_text(" ".join(sorted(path.name for path in self.folder.glob("*"))))


def test_the_next_stage_waits_for_all_of_a_stage(tmp_path: Path) -> None:
    begun = Begun("a", Kind(tmp_path), {})
    labels = [task.label for _ in range(2) if (task := begun.next())]
    begun.running = 2

    assert labels == ["a first", "a second"]
    assert begun.next() is None
    assert not begun.over()

    begun.running = 0
    last = begun.next()
    assert last is not None
    assert last.label == "a last"
    assert begun.over()


def test_a_task_waits_for_the_experiment_that_it_needs(tmp_path: Path) -> None:
    begun = Begun("a", Kind(tmp_path, needs=frozenset({"b"})), {})
    assert [begun.next(), begun.next()] != [None, None]

    assert begun.next({"b"}) is None
    assert begun.next({"c"}) is not None


def test_one_by_one_runs_all_and_summarizes(tmp_path: Path) -> None:
    one_by_one("a", Kind(tmp_path), {})

    assert (tmp_path / "a summary").read_text() == "a first a last a second a summary"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_failed_task_is_named_and_the_others_run(tmp_path: Path) -> None:
    wanted = [("a", Kind(tmp_path, broken=True), {}), ("b", Kind(tmp_path, needs=frozenset({"a"})), {})]
    wanted.append(("c", Kind(tmp_path), {"needs": ["b"]}))

    assert together(wanted, workers=2) == ["a first"]
    assert {path.name for path in tmp_path.glob("* last")} == {"a last", "b last", "c last"}
    assert "b last" in (tmp_path / "c summary").read_text()
