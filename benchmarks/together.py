"""Experiments stage by stage: one task after the other, or several at a time in processes of their own."""

import os
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Any

import torch

from benchmarks.cells import Task

Entry = tuple[str, Any, Mapping[str, Any]]
"""The name of an experiment, the module of its kind, and what its file says.

A kind's `stages` gives tasks that may run at once; the next stage is asked for when all of a stage are done. A kind
without has `run`, a single task. `summarize`, where there is one, writes what the results say together.
"""


@dataclass
class Begun:
    """An experiment on its way."""

    name: str
    kind: Any
    experiment: Mapping[str, Any]
    rest: Iterator[list[Task]] = field(init=False)
    waiting: list[Task] = field(default_factory=list[Task])
    running: int = 0

    def __post_init__(self) -> None:
        self.rest = (
            self.kind.stages(self.name, self.experiment)
            if hasattr(self.kind, "stages")
            else iter([[Task(self.name, partial(self.kind.run, self.name, self.experiment))]])
        )

    def next(self, unfinished: Collection[str] = ()) -> Task | None:
        """Return the next task that may begin now, while some experiments are unfinished."""
        self._refill()
        ready = (task for task in self.waiting if not task.needs.intersection(unfinished))
        if (task := next(ready, None)) is not None:
            self.waiting.remove(task)
        return task

    def over(self) -> bool:
        """Whether nothing is left."""
        self._refill()
        return not self.waiting and not self.running

    def _refill(self) -> None:
        if not self.waiting and not self.running:
            self.waiting = next((stage for stage in self.rest if stage), [])

    def summarize(self) -> None:
        """Write what its results say together."""
        if hasattr(self.kind, "summarize"):
            self.kind.summarize(self.name, self.experiment)


def one_by_one(name: str, kind: Any, experiment: Mapping[str, Any]) -> None:
    """Run an experiment in this process; summarize after every task."""
    begun = Begun(name, kind, experiment)
    while task := begun.next():
        print(task.label, flush=True)
        task.run()
        begun.summarize()


def together(wanted: Sequence[Entry], *, workers: int) -> list[str]:
    """Run experiments at once, those in front first, each after those that it needs; return the tasks that failed.

    A process has one thread, so `workers` is at most the number of cores. They share the accelerator, if there is one.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    failed: list[str] = []
    waiting, begun = list(wanted), list[Begun]()
    order = {name: place for place, (name, _, _) in enumerate(wanted)}
    open_names = set(order)
    running: dict[Future[object], tuple[Begun, Task]] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        while waiting or begun:
            for entry in [e for e in waiting if not open_names.intersection(e[2].get("needs", ()))]:
                waiting.remove(entry)
                begun.append(Begun(*entry))
            begun.sort(key=lambda one: order[one.name])
            while len(running) < workers and (found := _next(begun, open_names)):
                one, task = found
                one.running += 1
                running[pool.submit(task.run)] = found
                print(f"begun: {task.label}", flush=True)
            for one in [one for one in begun if one.over()]:
                begun.remove(one)
                open_names.discard(one.name)
                one.summarize()
            if not running:
                continue
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                one, task = running.pop(future)
                one.running -= 1
                if error := future.exception():
                    traceback.print_exception(error)
                    failed.append(task.label)
                print(f"{'failed' if error else 'done'}: {task.label}", flush=True)
    return failed


def _next(begun: Sequence[Begun], unfinished: Collection[str]) -> tuple[Begun, Task] | None:
    return next(((one, task) for one in begun if (task := one.next(unfinished))), None)


def _one_thread() -> None:
    torch.set_num_threads(1)
