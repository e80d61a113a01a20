"""The sweep on Ray itself, where it is installed; `test_cluster.py` has what a cluster answers in all cases."""

from pathlib import Path

import pytest

from secateur.jobs.cluster import Cluster
from secateur.jobs.sweep import sweep
from secateur.recipes import sweep_from
from speech import fields

pytest.importorskip("ray", reason="the extra ray is not installed")


def test_a_sweep_on_a_cluster_is_the_sweep_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    grid = {"criterion": ["magnitude"], "target.params": [0.8, 0.01]}
    wanted = sweep_from({"recipe": fields(tmp_path, data={}), "grid": grid})
    here = sweep(wanted, tmp_path / "here")
    there = sweep(wanted, tmp_path / "there", cluster=Cluster())
    assert [cell["cell"] for cell in there] == [cell["cell"] for cell in here]
    assert there[0]["pruned"]["params"] == here[0]["pruned"]["params"]
    assert there[1]["error"] == here[1]["error"]
    assert (tmp_path / "there" / "results.md").is_file()
