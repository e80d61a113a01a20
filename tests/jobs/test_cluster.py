import importlib.util
import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from secateur.errors import MissingExtraError, RequestError
from secateur.jobs import cluster as module
from secateur.jobs.cell import ERROR, Work
from secateur.jobs.cluster import RETRIES, Cluster, connected
from secateur.jobs.sweep import sweep
from secateur.recipes import recipe_from, sweep_from
from speech import fields


class LostError(Exception):
    """What Ray raises where a process was killed."""


class Handle:
    """What Ray gives for work that is under way."""

    def __init__(self, function: Any, work: Work, *rest: Any) -> None:
        self.function, self.work, self.rest = function, work, rest


class FakeRay:
    """As much of Ray as is called here: everything runs at once, in this process, the last cell first."""

    exceptions = SimpleNamespace(RayError=LostError)

    def __init__(self, *machines: dict[str, float], initialized: bool = False, lost: str = "") -> None:
        self.machines, self.initialized, self.lost = machines, initialized, lost
        self.calls: list[str] = []
        self.options: dict[str, Any] = {}

    def is_initialized(self) -> bool:
        return self.initialized

    def init(self, address: str | None = None, **_: Any) -> None:
        self.calls.append("init")
        if address == "auto":
            raise ConnectionError("no answer")

    def shutdown(self) -> None:
        self.calls.append("shutdown")

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": machine} for machine in self.machines]

    def remote(self, **options: Any) -> Any:
        self.options = options
        return lambda function: SimpleNamespace(remote=lambda *arguments: Handle(function, *arguments))

    def wait(self, waiting: list[Handle], num_returns: int) -> Any:
        return waiting[-num_returns:], waiting[:-num_returns]

    def get(self, ended: Handle) -> Any:
        if ended.work.name == self.lost:
            raise LostError("killed\nfor memory")
        return ended.function(ended.work, *ended.rest)


def works(folder: Path, *names: str) -> list[Work]:
    recipe = recipe_from(fields(folder, data={}))
    return [Work(name=name, recipe=recipe, out=folder / "cells" / name, command="c") for name in names]


def fake(monkeypatch: pytest.MonkeyPatch, ray: FakeRay) -> FakeRay:
    monkeypatch.setattr(module, "import_ray", lambda: ray)
    monkeypatch.setattr(module, "run", lambda work: None if work.name != "bad" else "too small")
    monkeypatch.setattr("torch.set_num_threads", lambda n: ray.calls.append(f"threads {n}"))
    return ray


def test_cells_come_as_they_end_with_why_they_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake(monkeypatch, FakeRay({"CPU": 4.0}))
    with connected(Cluster(cpus_per_cell=2)) as run_all:
        ended = [(work.name, error) for work, error in run_all(works(tmp_path, "a", "bad", "b"))]
    assert ended == [("b", None), ("bad", "too small"), ("a", None)]
    assert ray.calls == ["init", "threads 2", "threads 2", "threads 2", "shutdown"]
    assert ray.options == {"num_cpus": 2, "num_gpus": 0.0, "max_retries": RETRIES}


def test_a_process_that_is_lost_fails_its_cell_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, FakeRay({"CPU": 1.0}, lost="b"))
    todo = works(tmp_path, "a", "b")
    with connected(Cluster()) as run_all:
        ended = {work.name: error for work, error in run_all(todo)}
    assert ended == {"a": None, "b": "LostError: killed"}
    assert "for memory" in (todo[1].out / ERROR).read_text()


def test_who_is_connected_already_stays_connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake(monkeypatch, FakeRay({"CPU": 1.0}, initialized=True))
    with connected(Cluster()) as run_all:
        assert len(list(run_all(works(tmp_path, "a")))) == 1
    assert ray.calls == ["threads 1"]


def test_cells_run_where_the_sweep_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, FakeRay({"CPU": 1.0}))
    seen: list[str] = []
    monkeypatch.setattr(module, "run", lambda work: seen.append(os.getcwd()))
    (work,) = works(tmp_path, "a")
    monkeypatch.chdir(tmp_path)
    assert module._there(work, tmp_path, 1) is None
    assert seen == [str(tmp_path)]
    told = module._there(work, tmp_path / "none", 1)
    assert told is not None
    assert "must be a folder on every machine of the cluster, but is not on" in told


NO_ROOM = [
    (Cluster(cpus_per_cell=8), "`--cpus-per-cell` must be at most what a machine of the cluster has, 4, but is 8"),
    (Cluster(gpus_per_cell=0.5), "`--gpus-per-cell` must be at most what a machine of the cluster has, 0, but is 0.5"),
]


@pytest.mark.parametrize(("cluster", "sentence"), NO_ROOM)
def test_what_no_machine_has_is_not_waited_for(
    cluster: Cluster, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = fake(monkeypatch, FakeRay({"CPU": 4.0}, {"CPU": 2.0}))
    with pytest.raises(RequestError) as caught, connected(cluster):
        pass
    assert str(caught.value) == sentence
    assert ray.calls[-1] == "shutdown"


def test_what_lies_on_two_machines_does_not_fit_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, FakeRay({"CPU": 4.0}, {"CPU": 1.0, "GPU": 1.0}))
    with (
        pytest.raises(RequestError, match="must fit on one machine"),
        connected(Cluster(cpus_per_cell=4, gpus_per_cell=1)),
    ):
        pass


def test_a_cluster_that_does_not_answer_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, FakeRay({"CPU": 1.0}))
    one = sweep_from({"recipe": fields(tmp_path, data={}), "grid": {"criterion": ["magnitude"]}})
    with pytest.raises(RequestError, match="must be of a Ray cluster that answers, but is auto: no answer"):
        sweep(one, tmp_path / "out", cluster=Cluster(address="auto"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_where_nobody_listens_ray_is_not_even_asked(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake(monkeypatch, FakeRay({"CPU": 1.0}))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = form.format(server.getsockname()[1])
        with connected(Cluster(address=address)):
            assert ray.calls == ["init"]
    with pytest.raises(RequestError, match=r"that answers, but is .*refused"), connected(Cluster(address=address)):
        pass
    assert ray.calls == ["init", "shutdown"]


def test_without_ray_the_sentence_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    one = sweep_from({"recipe": fields(tmp_path, data={}), "grid": {"criterion": ["magnitude"]}})
    with pytest.raises(MissingExtraError, match=r"pip install 'secateur\[ray\]'"):
        sweep(one, tmp_path / "out", cluster=Cluster())
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: secateur[ray] brings it")
def test_a_sweep_on_ray_finds_what_it_finds_here(tmp_path: Path) -> None:
    grid = {"criterion": ["magnitude", "random"], "target.params": [0.8, 0.01]}
    train = {"max_steps": 3, "learning_rate": 1e-3}
    one = sweep_from({"recipe": fields(tmp_path, train=train), "grid": grid})
    here, there = sweep(one, tmp_path / "here"), sweep(one, tmp_path / "there", cluster=Cluster())
    assert [entry["cell"] for entry in there] == [entry["cell"] for entry in here]
    assert [entry.get("error") for entry in there] == [entry.get("error") for entry in here]
    assert [entry.get("target") for entry in there] == [entry.get("target") for entry in here]
    for name in ("magnitude-params0.8", "random-params0.8"):
        files = [tmp_path / out / "cells" / name / "model" / "model.safetensors" for out in ("here", "there")]
        assert files[0].read_bytes() == files[1].read_bytes()
