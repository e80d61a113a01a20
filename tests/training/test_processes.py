"""Data parallel over two processes, as `torchrun` starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, torch.Tensor]]:
    folder = tmp_path_factory.mktemp("two")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "SECATEUR_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [*start, str(Path(__file__).with_name("two_processes.py")), str(folder)],
        env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [load_file(folder / f"{rank}.safetensors") for rank in range(2)]


def test_they_hear_different_batches(ended: list[dict[str, torch.Tensor]]) -> None:
    assert bool((ended[0]["heard"] != ended[1]["heard"]).any())


def test_gates_are_drawn_and_learnt_alike(ended: list[dict[str, torch.Tensor]]) -> None:
    gates = [{name: tensor for name, tensor in rank.items() if name.startswith("gate/")} for rank in ended]
    assert len(gates[0]) == 8
    assert all(torch.equal(gates[0][step], gates[1][step]) for step in gates[0])
    assert bool((gates[0]["gate/3"] != gates[0]["gate/6"]).any())


def test_they_end_with_one_small_model(ended: list[dict[str, torch.Tensor]]) -> None:
    one, other = ({n: t for n, t in rank.items() if not n.startswith(("gate/", "heard"))} for rank in ended)
    assert one.keys() == other.keys()
    statistics = ("running_mean", "running_var", "num_batches_tracked")  # of each process's own batches, as in DDP
    weights = [name for name in one if not name.endswith(statistics)]
    assert all(torch.equal(one[name], other[name]) for name in weights)
    assert sum(one[name].numel() for name in weights) <= 0.6 * 9074
