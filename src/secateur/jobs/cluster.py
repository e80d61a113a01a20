"""A Ray cluster that runs the cells of a sweep, each on a machine that has room for it."""

import importlib
import logging
import os
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from platform import node
from typing import Any, final

from secateur.errors import MissingExtraError, RequestError
from secateur.jobs.cell import Work, leave_error, run

logger = logging.getLogger(__name__)

Run = Callable[[Sequence[Work]], Iterator[tuple[Work, str | None]]]
"""Runs cells, and gives each as it ends, with why it failed, if it did."""

ANSWER_SECONDS = 10.0
"""A cluster that takes longer to take a call is not there."""

RETRIES = 1
"""How often a cell is begun again whose machine was lost: it goes on from its last checkpoint."""


@final
@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where the cells run, and what each of them takes."""

    address: str | None = None
    """Of a cluster that runs already, as Ray has it; absent: the one that Ray finds, or this machine."""

    cpus_per_cell: int = 1
    gpus_per_cell: float = 0.0


def import_ray() -> Any:
    """Return Ray.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingExtraError("ray", extra="ray", purpose="sweeps run on a cluster") from error


@contextmanager
def connected(cluster: Cluster) -> Generator[Run]:
    """Connect to a cluster, or start one on this machine, and give what runs cells there.

    That gives each cell as it ends, with why it failed, if it did. All machines need this secateur, and see the
    cells' folders and data under the same paths. What the caller had connected to already is left as it is.

    Raises:
        MissingExtraError: Ray is not installed.
        RequestError: The cluster does not answer, or no machine of it has what a cell takes.
    """
    ray = import_ray()
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, cluster)
    try:
        _check_room(ray, cluster)
        yield partial(_run, ray, cluster)
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, cluster: Cluster) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        _knock(cluster.address or "")
        ray.init(address=cluster.address, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, ValueError, RuntimeError, ImportError) as error:  # the last: `ray://` needs `ray[client]`
        raise RequestError(
            f"`--address` must be of a Ray cluster that answers, but is {cluster.address or 'absent'}: {error}"
        ) from error


def _knock(address: str) -> None:
    """Make sure that somebody answers where an address names a port: Ray itself would try for many minutes.

    Raises:
        OSError: Nobody does.
    """
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()


def _run(ray: Any, cluster: Cluster, works: Sequence[Work]) -> Iterator[tuple[Work, str | None]]:
    options = {"num_cpus": cluster.cpus_per_cell, "num_gpus": cluster.gpus_per_cell, "max_retries": RETRIES}
    remote = ray.remote(**options)(_there)
    waiting = {remote.remote(work, Path.cwd(), cluster.cpus_per_cell): work for work in works}
    while waiting:
        (ended, *_), _ = ray.wait(list(waiting), num_returns=1)
        work = waiting.pop(ended)
        logger.info("cell %d of %d ended: %s", len(works) - len(waiting), len(works), work.name)
        yield work, _result(ray, ended, work)


def _there(work: Work, where: Path, threads: int) -> str | None:
    """Run a cell in a process of Ray's, which begins in a folder of its own."""
    import torch

    try:
        os.chdir(where)
    except OSError as error:
        return f"`{where}` must be a folder on every machine of the cluster, but is not on {node()}: {error.strerror}"
    torch.set_num_threads(threads)
    return run(work)


def _result(ray: Any, ended: Any, work: Work) -> str | None:
    try:
        return ray.get(ended)
    except ray.exceptions.RayError as error:  # the process was killed, the machine lost, or secateur is not there
        return leave_error(work, getattr(error, "cause", None) or error)


def _check_room(ray: Any, cluster: Cluster) -> None:
    """Make sure that cells will not wait for a machine that is not there."""
    needs = {"CPU": cluster.cpus_per_cell, "GPU": cluster.gpus_per_cell}
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(all(machine.get(name, 0) >= amount for name, amount in needs.items()) for machine in machines):
        return
    for name, amount in needs.items():
        most = max((machine.get(name, 0) for machine in machines), default=0)
        if most < amount:
            raise RequestError(
                f"`--{name.lower()}s-per-cell` must be at most what a machine of the cluster has, {most:g}, but is "
                f"{amount:g}"
            )
    raise RequestError("`--cpus-per-cell` and `--gpus-per-cell` must fit on one machine of the cluster, but do not")
